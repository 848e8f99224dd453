"""An export that is cut short: rows that the last run knew are missing, linked or not."""

import json
import shutil

import pytest
from trueup.cli.main import run

from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def _all_applied(_made, tmp_path_factory):
    folder = shutil.copytree(_made, tmp_path_factory.mktemp("all") / "work")
    rows = folder / "examples" / "work365"
    shutil.copytree(ROOT / "examples" / "work365", rows, dirs_exist_ok=True)
    assert run(["apply", "--yes", "--project", str(folder)]) == 0
    return folder


@pytest.fixture
def applied(_all_applied, work):
    """All customers of the example and their Autotask after one run; the current folder."""
    shutil.copytree(_all_applied, work, dirs_exist_ok=True)
    return work


@pytest.fixture
def cut_short(applied):
    """Takes the last rows out of a table that was exported whole before."""

    def cut(table, count):
        file = applied / f"examples/work365/{table}.json"
        document = json.loads(file.read_text())
        document["value"] = document["value"][:-count]
        file.write_text(json.dumps(document))

    return cut


def test_an_export_without_a_ninth_of_its_rows_is_over_a_limit(applied, cut_short, trueup):
    cut_short("subscription", 20)

    code, out, _ = trueup("plan", "--out", "plan.json")

    assert code == 0
    limit = "12% of the known rows of subscription are gone (20 of 172), over the limit of 10%"
    assert limit in " ".join(out.split())
    plan = json.loads((applied / "plan.json").read_text())
    # Nothing seems to be wrong any more with a contract whose earliest subscription is missing.
    assert [one["action"] for one in plan["changes"]] == ["create"]

    code, _, err = trueup("apply", "plan.json", "--yes")
    assert code == 1
    assert "rows_gone:subscription" in err


def test_a_single_row_that_is_gone_is_no_cut(cut_short, trueup):
    cut_short("subscription", 1)
    assert json.loads(trueup("plan", "--json")[1])["exceeded"] == []
