"""What is known of a project without loading it, because its files were found sound before."""

import pytest
from trueup.config import loader
from trueup.operations.project_folder import shipped_schemas
from trueup.operations.sound_files import is_known_without_approvals

from tests.support.small_project import FILES, write

APPROVAL = """
approval:
  above: 100
  roles: {decide: [anna], approve: [ben]}
"""


def check(work):
    """Checks the project, also where another test has checked one of the same bytes before."""
    loader.load(work, shipped=shipped_schemas())


@pytest.fixture
def work(tmp_path):
    write(tmp_path, FILES)
    return tmp_path


@pytest.mark.parametrize(("approval", "is_known"), [("", True), (APPROVAL, False)])
def test_of_a_project_that_was_checked_it_is_known_whether_it_has_approvals(
    work, approval, is_known
):
    with (work / "trueup.yaml").open("a", encoding="utf-8") as file:
        file.write(approval)
    assert not is_known_without_approvals(work)
    check(work)

    assert is_known_without_approvals(work) is is_known


def test_a_changed_project_is_not_known(work):
    check(work)
    with (work / "trueup.yaml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")

    assert not is_known_without_approvals(work)
