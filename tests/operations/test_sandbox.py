"""Sandboxes that are served."""

import shutil

import pytest
from trueup.errors import ConfigError
from trueup.operations import sandbox
from trueup.operations.project import load_project

from tests.support.paths import EXAMPLES, ROOT


@pytest.fixture
def exports(tmp_path):
    """A copy of the example's exports."""
    return shutil.copytree(EXAMPLES / "work365", tmp_path / "exports")


def serve(exports):
    return sandbox.serve_source(load_project(ROOT), ("127.0.0.1", 0), seed=exports)


def test_exports_with_guids_are_served_as_a_dataverse(exports):
    with serve(exports) as served:
        assert served.title.startswith("Dataverse (")


def test_a_seed_of_a_dataverse_whose_keys_are_no_guids_is_refused(exports):
    file = exports / "product.csv"
    head, first, second, *rest = file.read_text("utf-8").splitlines()
    changed = [f"P-{number},{row.partition(',')[2]}" for number, row in enumerate((first, second))]
    file.write_text("\n".join((head, *changed, *rest)), "utf-8")

    with pytest.raises(ConfigError) as error, serve(exports):
        pass

    [finding] = error.value.findings
    assert finding.line() == (
        f"{file}:2:1: 2 of 30 rows of product have no GUID as key, such as 'P-0'; "
        "a Dataverse has no other keys\n"
        "    → export the rows with their GUIDs, or plan from the files themselves"
    )
