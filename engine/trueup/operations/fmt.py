"""Gives the YAML files of a project one layout."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from trueup.config.file_names import DECISIONS, MAPPINGS, NOTES, PROJECT, RULES
from trueup.config.layout import formatted
from trueup.config.text_file import read_text_file, replace_text_file
from trueup.errors import ConfigError, EngineError
from trueup.model.finding import Finding

TESTS = "tests"


class Reformatted(Struct, frozen=True):
    """A file that did not have the layout."""

    name: str
    before: str
    after: str


class FormatResult(Struct, frozen=True):
    """The result for each file."""

    files: int  # that were read
    changed: Sequence[Reformatted]
    findings: Sequence[Finding]  # why files were left as they are


def fmt(folder: Path | str, files: Sequence[Path] = (), *, check: bool = False) -> FormatResult:
    """Formats files in place; with `check`, only lists those that do not have the layout.

    Without files: mappings, rules and tests of the project. A file with errors is left as it is and
    does not stop the others. Raises EngineError if the folder holds no project.
    """
    changed: list[Reformatted] = []
    findings: list[Finding] = []
    named = [(path, str(path)) for path in files] or [*_project_files(Path(folder))]
    for path, name in named:
        try:
            file = read_text_file(path, name)
            new = formatted(file.content, name)
            if new != file.content:
                if not check:
                    replace_text_file(file, new)
                texts = [one.decode("utf-8-sig") for one in (file.content, new)]
                changed.append(Reformatted(name, *texts))
        except ConfigError as error:
            findings += [finding for finding in error.findings if isinstance(finding, Finding)]
    return FormatResult(len(named), changed, findings)


def _project_files(root: Path) -> Iterator[tuple[Path, str]]:
    """Returns the files of mappings, rules and tests of a project, with their names in it."""
    if not (root / PROJECT).is_file():
        raise EngineError(f"there is no {PROJECT} in {root}: name the files, or use --project DIR")
    for folder in (MAPPINGS, RULES, TESTS):
        for path in sorted((root / folder).rglob("*.yaml")):
            name = path.relative_to(root).as_posix()
            # Commands write decisions and notes, in a layout of their own.
            if path.name.startswith(".") or path.is_dir() or name in {DECISIONS, NOTES}:
                continue
            yield path, name
