"""What a test that is made from a row expects."""

from decimal import Decimal

import pytest
import yaml
from trueup.cli.main import run
from trueup.operations.testing.make import make_test

from tests.scenarios.beginnings import Service
from tests.scenarios.world import World


@pytest.mark.parametrize(("price", "run_rate"), [("10.125", "10.13"), ("10.135", "10.14")])
def test_money_is_expected_as_tests_compare_it(tmp_path, price, run_rate):
    """Half a cent is rounded up, not to the even cent."""
    service = Service(seats=11, changes={"2026-11-10": 1}, price=price)
    world = World(tmp_path / "world", service)
    where = ("--project", str(world.project.root))
    plan = str(tmp_path / "plan.json")
    assert run(["plan", "--target", "subscription", "--out", plan, *where]) == 0
    assert run(["apply", "--yes", plan, *where]) == 0

    made = make_test(world.project, "license_change", "log-sub")

    [written] = yaml.load_all(made.file.read_text(encoding="utf-8"), yaml.BaseLoader)
    assert Decimal(written["expect"]["money"]["run_rate"]) == Decimal(run_rate)
    assert run(["test", str(made.file), *where, "--timeout", "0", "--jobs", "1"]) == 0
