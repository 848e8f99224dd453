"""`import trueup` offers a fixed list of names, each imported on first use."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import trueup


def imports_for_type_checkers():
    """The imports under `if TYPE_CHECKING:`, by module."""
    tree = ast.parse(Path(trueup.__file__).read_text(encoding="utf-8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {one.module: tuple(alias.name for alias in one.names) for one in block.body}


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


def test_any_other_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'trueup' has no attribute 'plann'"):
        _ = trueup.plann


def test_the_package_imports_nothing_until_a_name_is_used():
    code = "import sys, trueup; print(*(name for name in sys.modules if name.startswith('trueup')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["trueup"]
