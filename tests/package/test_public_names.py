"""`import trueup` offers a fixed list of names, each imported on first use."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import getdoc, isfunction
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import trueup
from msgspec import Struct
from trueup import errors

PUBLIC = {name: getattr(trueup, name) for name in trueup.__all__}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if isfunction(value)}

OPAQUE = {"AuditEntry", "Explanation", "Overlay", "Preconditions", "Project"}
"""Types whose parts callers reach through attributes only, as docs/reference/python.md says."""


def is_struct(value):
    return isinstance(value, type) and issubclass(value, Struct)


TYPED = [
    name
    for name, value in PUBLIC.items()
    if (name in FUNCTIONS or is_struct(value)) and name not in OPAQUE
]
"""Functions, and types with fields."""


def imports_for_type_checkers():
    """The imports under `if TYPE_CHECKING:`, by module."""
    tree = ast.parse(Path(trueup.__file__).read_text(encoding="utf-8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imports = [one for one in block.body if isinstance(one, ast.ImportFrom)]
    return {one.module: tuple(alias.name for alias in one.names) for one in imports}


def test_type_checkers_see_the_modules_that_names_are_imported_from():
    assert imports_for_type_checkers() == trueup._MODULES


def test_the_public_names_are_those_of_the_table():
    names = [name for names in trueup._MODULES.values() for name in names]

    assert sorted(names) == sorted(trueup.__all__)
    assert set(trueup.__all__) <= set(dir(trueup))


@pytest.mark.parametrize("module", trueup._MODULES)
def test_each_public_name_is_the_object_of_its_module(module):
    for name in trueup._MODULES[module]:
        assert getattr(trueup, name) is getattr(import_module(module), name)


def types_in(annotation: object) -> Iterator[type]:
    """The classes that an annotation names, also inside of others."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for part in get_args(annotation):
        for inner in part if isinstance(part, list) else [part]:  # the parameters of a Callable
            yield from types_in(inner)


@pytest.mark.parametrize("name", TYPED)
def test_each_type_of_a_parameter_a_result_or_a_field_is_public(name: str):
    found = {
        kind.__name__
        for annotation in get_type_hints(PUBLIC[name]).values()
        for kind in types_in(annotation)
        if kind.__module__.startswith("trueup.") and kind not in PUBLIC.values()
    }

    assert found == set()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_error_that_a_function_names_is_public(name: str):
    words = {*re.findall(r"\w+", getdoc(PUBLIC[name]) or "")}

    assert words & {*vars(errors)} <= {*trueup.__all__}


def test_any_other_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'trueup' has no attribute 'plann'"):
        _ = trueup.plann  # type: ignore[attr-defined] # that is what is tested


def test_the_package_imports_nothing_until_a_name_is_used():
    code = "import sys, trueup; print(*(name for name in sys.modules if name.startswith('trueup')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["trueup"]
