"""A file with tests of a project, before it is read."""

from pathlib import Path

from msgspec import Struct

DEFAULTS = "defaults.yaml"
"""The file, beside the tests, with what rows have where a test does not name it."""


class TestFile(Struct, frozen=True):
    """A file with tests, and its name in messages."""

    __test__ = False  # for pytest, which collects classes with such names

    path: Path
    name: str
    text: bytes | None = None  # its content, where it is not written yet
    defaults: "TestFile | None" = None  # for its tests; of a file with defaults: none
