"""Each setting of the shipped project has an effect: another value gives another plan, or none."""

import json
import shutil
from copy import deepcopy

import pytest
import yaml
from trueup.errors import ConfigError
from trueup.model import document
from trueup.operations.plan import plan
from trueup.operations.project import load_project

from tests.support.part_of_demo import CUSTOMERS, keep_customers
from tests.support.paths import ROOT

OTHER_VALUES = {
    "changes_from": "2026-11-02",
    "allow_duplicated_services": True,
    "time_reporting_requires_start_and_stop_times": "Yes",
    "setup_fee": 25,
    "default_charge_type": "Monthly",
    "default_company_type": "Vendor",
    "default_billing_preference": "On Contract Billing",
    "default_contract_type": "Time & Materials",
    "default_vendor_type": None,
    "default_owner_source": "nobody@northgate-it.example",
    "default_refund_product": "Goodwill",
    "billing_codes.products": "Cloud subscriptions",
    "billing_codes.services": "Software licences",
    "billing_codes.setup_fee": "Cloud subscriptions",
    "billing_frequencies": {"Monthly": "Monthly"},
    "manufacturers": {"Contoso": "Microsoft"},
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    for name in ("mappings", "rules", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    keep_customers(folder / "examples" / "work365", CUSTOMERS)
    project = yaml.safe_load((ROOT / "trueup.yaml").read_text(encoding="utf-8"))
    return folder, project, planned(folder, project)


def planned(folder, project):
    """What the plan says with this trueup.yaml, or why it is refused."""
    file = folder / "trueup.yaml"
    file.write_text(yaml.safe_dump(project, sort_keys=False), encoding="utf-8")
    try:
        made = json.loads(document.dumps(plan(load_project(folder))))
    except ConfigError as refused:
        return str(refused)
    return {name: made[name] for name in ("changes", "findings", "blocked", "left_out", "ledger")}


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_another_value_of_a_setting_gives_another_plan(demo, name):
    folder, project, before = demo
    changed = deepcopy(project)
    if name == "billing_codes.setup_fee":
        changed["settings"]["setup_fee"] = 25  # a code alone is the code of no fee
    *parents, last = name.split(".")
    settings = changed["settings"]
    for parent in parents:
        settings = settings[parent]
    settings[last] = OTHER_VALUES[name]

    assert planned(folder, changed) != before
