"""What Python callers pass to the public functions: they need no types, and may pass anything."""

import pytest
import trueup
from trueup.errors import EngineError

from tests.support.small_project import FILES, write


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    write(folder, FILES)
    return trueup.load_project(folder)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda _project: trueup.PlanOptions(customer=""), "customer"),
        (lambda _project: trueup.PlanOptions(undo=""), "undo"),
        (lambda project: trueup.undo(project, " "), "run"),
        (lambda project: trueup.compare(project, ""), "other"),
        (lambda _project: trueup.load_project(""), "folder"),
        (lambda _project: trueup.check_project(""), "folder"),
    ],
)
def test_an_empty_text_never_stands_for_all(project, call, name):
    with pytest.raises(EngineError, match=f"^{name} is empty: give a value"):
        call(project)


def test_an_undo_names_its_run(project):
    with pytest.raises(EngineError, match=r"^run is None: give a text$"):
        trueup.undo(project, None)
