"""What Python callers pass to the public functions: they need no types, and may pass anything."""

# The arguments are wrong on purpose.
# mypy: disable-error-code="arg-type"

import os
import re
from pathlib import Path

import pytest
import trueup
from trueup.errors import EngineError

from tests.support.small_project import FILES, write


class Folder(os.PathLike):
    """A path of another library."""

    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _project: trueup.load_project(5), "folder is 5: give a text or a path"),
        (lambda _project: trueup.load_project(b"."), "folder is b'.': give a text or a path"),
        (lambda _project: trueup.load_project("a\0b"), r"folder is 'a\x00b': no file system"),
        (lambda _project: trueup.load_project("\0"), r"folder is '\x00': no file system"),
        (lambda _project: trueup.check_project(None), "folder is None: give a text or a path"),
        (lambda _project: trueup.load_project("a\ud800"), r"folder is 'a\ud800': no file system"),
        (
            lambda _project: trueup.load_project(Path("x" * 300)),
            f"folder is '{'x' * 99}…{'x' * 99}': File",
        ),
        (
            lambda _project: trueup.check_project(decisions="x: 1"),
            "decisions is 'x: 1': the type must be bytes",
        ),
        (lambda _project: trueup.check_project(project=""), "project is '': the type must be byt"),
        (lambda _project: trueup.check_project(overlay={}), "overlay is of type dict: the type"),
        (lambda _project: trueup.plan("."), "project is '.': the type must be Project"),
        (lambda _project: trueup.history(None), "project is None: the type must be Project"),
        (
            lambda project: trueup.plan(project, {}),
            "options is of type dict: the type must be PlanOptions",
        ),
        (
            lambda project: trueup.plan(project, trueup.ApplyOptions()),
            "options is of type ApplyOptions: the type must be PlanOptions",
        ),
        (
            lambda project: trueup.plan(project, listener=print),
            "listener is of type builtin_function_or_method: the type must be Listener",
        ),
        (lambda _project: trueup.PlanOptions(customer=5), "customer is 5: give a text"),
        (
            lambda _project: trueup.PlanOptions(targets="customer"),
            "targets is 'customer': give texts in a tuple",
        ),
        (
            lambda _project: trueup.PlanOptions(targets="x" * 5000),
            f"targets is '{'x' * 99}…{'x' * 99}': give texts in a tuple",
        ),
        (lambda _project: trueup.PlanOptions(exclude=(5,)), "exclude is 5: give a text"),
        (
            lambda _project: trueup.ApplyOptions(over="creates"),
            "over is 'creates': give texts in a tuple",
        ),
        (
            lambda _project: trueup.ApplyOptions(force_reason="\u200b\u202e"),
            "force_reason is empty",
        ),
        (
            lambda _project: trueup.ApplyOptions(max_calls=0),
            "max_calls is 0: give a whole number from 1 on",
        ),
        (lambda _project: trueup.load_project(Folder("")), "folder is empty"),
        (
            lambda _project: trueup.load_project(Folder(b".")),
            "folder is b'.': give a text or a path",
        ),
        (lambda project: trueup.apply(project, None), "plan is None: give a Plan, or the text"),
        (lambda project: trueup.apply(project, b"{}"), "plan is b'{}': give a Plan, or the text"),
        (
            lambda project: trueup.resume(project, {}),
            "options is of type dict: the type must be ApplyOptions",
        ),
        (lambda project: trueup.undo(project, None), "run is None: give a text"),
        (lambda project: trueup.show_run(project, 1), "run is 1: give a text"),
        (
            lambda project: trueup.compare(project, project),
            "other is of type Project: give a text or a path",
        ),
        (lambda project: trueup.compare(project, "\0"), r"other is '\x00': no file system has"),
        (lambda project: trueup.compare(project, "\ud800"), r"other is '\ud800': no file system"),
        (
            lambda project: trueup.compare(project, "x" * 300),
            f"other is '{'x' * 99}…{'x' * 99}': File",
        ),
        (lambda project: trueup.plan(project, keep="no"), "keep is 'no': the type must be bool"),
        (lambda project: trueup.plan(project, fresh=1), "fresh is 1: the type must be bool"),
        (lambda _project: trueup.PlanOptions(explained="no"), "explained is 'no': the type must"),
        (lambda _project: trueup.PlanOptions(keep_records=0), "keep_records is 0: the type must"),
        (lambda _project: trueup.Listener(notice="x"), "notice is 'x': give a function"),
        (lambda project: trueup.explain(project, None), "what is None: give a text"),
        (
            lambda project: trueup.evaluate_expression(project, "customer", "c", 5),
            "expression is 5: give a text",
        ),
        (
            lambda _project: trueup.link(".", "customer", "c", 7),
            "project is '.': the type must be Project",
        ),
    ],
)
def test_a_value_of_another_type_is_an_error_that_names_its_argument(project, call, message):
    with pytest.raises(EngineError, match=f"^{re.escape(message)}"):
        call(project)


def test_the_folder_of_another_configuration_may_be_a_path(project):
    with pytest.raises(EngineError, match=r"^configuration /nowhere: this is neither"):
        trueup.compare(project, Path("/nowhere"))
