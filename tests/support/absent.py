"""A process in which a library is not installed."""

import sys

import pytest


def make_absent(monkeypatch: pytest.MonkeyPatch, library: str, *, users: str) -> None:
    """Makes the import of a library fail, also in modules of trueup that have imported it.

    Those below the package `users` are loaded anew. After the test all is as it was, as are the
    packages' attributes, which an import replaces as well.
    """
    loaded = dict(sys.modules)
    for name, module in loaded.items():
        parent, _, last = name.rpartition(".")
        if name == users or name.startswith(f"{users}."):
            monkeypatch.setattr(loaded[parent], last, module, raising=False)
            monkeypatch.delitem(sys.modules, name)
        elif name.partition(".")[0] == library:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
