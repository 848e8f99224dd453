"""The shipped project as the examples of a page change it."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml
from trueup.config.file_names import FLEET
from trueup.config.fleet import check_fleet
from trueup.operations.project import check_project
from trueup.operations.project_folder import TESTS, create_project
from trueup.operations.testing.files import read_tests

from tests.docs.pages import Block, Page
from tests.support.paths import SCHEMAS
from tests.support.seeded_databases import database

OTHERS = (".github/", ".gitlab-ci.yml", "exports/", "ci/github-actions.yaml")
"""Files that are not trueup's."""

_MERGED = ("settings", "guards")
"""Keys of trueup.yaml of which a fragment shows some entries only; all others are replaced."""


class Loader(yaml.SafeLoader):
    """Reads YAML as trueup does: only `true` and `false` are booleans."""

    yaml_implicit_resolvers: ClassVar = {  # type: ignore[misc] # the library's stubs lack it
        first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def load(text: str) -> Any:
    """The data of one YAML document."""
    return yaml.load(text, Loader)  # noqa: S506 -- a safe loader


_FILE = re.compile(r"# (\S+)\n")


def file_of(block: Block) -> str:
    """The file that a YAML block is about, as its first line states it."""
    found = _FILE.match(block.text)
    assert found, f"a YAML block begins with a comment that names its file:\n{block.text}"
    return found[1]


def is_written(block: Block) -> bool:
    """Whether the block is a file of the project, or a change of one."""
    is_yaml = block.language == "yaml" and not file_of(block).startswith(OTHERS)
    return is_yaml or block.language == "diff"


def examples(page: Page) -> Iterator[Block]:
    """The blocks of the pages that a page goes on from, and its own."""
    if page.needs:
        yield from (block for block in examples(page.needs) if is_written(block))
    yield from page.blocks


def copy_of_demo(folder: Path) -> Path:
    """Copies the shipped project into a folder, with its tests, as `trueup init` does."""
    create_project(folder)
    return folder


def fill_sandbox(folder: Path) -> None:
    """Makes its sandbox as the first command would, which takes as long as three plans."""
    seed = folder / "examples" / "autotask.json"
    file = folder / ".trueup" / "autotask.sqlite"
    file.parent.mkdir()
    file.write_bytes(database(seed.read_text(encoding="utf-8")))


def write_example(folder: Path, block: Block) -> None:
    """Writes a block into its file: a whole new file, or keys or lines of one that exists."""
    if block.language == "diff":
        _apply_diff(folder, block)
        return
    path = folder / file_of(block)
    new = load(block.text)
    path.parent.mkdir(exist_ok=True)
    if path.exists() and path.name not in {"decisions.yaml", "notes.yaml"}:
        before = load(path.read_text(encoding="utf-8"))
        path.write_text(yaml.safe_dump(_merged(before, new), sort_keys=False), encoding="utf-8")
    else:
        path.write_text(block.text, encoding="utf-8")


def _apply_diff(folder: Path, block: Block) -> None:
    """Changes lines of a file; those around them are in the file exactly once."""
    header, _, *lines = block.text.splitlines(keepends=True)
    path = folder / header.removeprefix("--- ").strip()
    old, new = ("".join(one[1:] for one in lines if one[0] != sign) for sign in "+-")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def _merged(before: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**before, **new}
    for key in _MERGED:
        if key in before and key in new:
            merged[key] = {**before[key], **new[key]}
    return merged


def set_environment(text: str) -> None:
    """Sets the variables that a text names."""
    for name in re.findall(r"env\.(\w+)", text):
        os.environ[name] = "example"


def errors(folder: Path) -> list[str]:
    """What `trueup validate` and `trueup test` report as errors; of a fleet, of its file alone."""
    project, findings = check_project(folder)
    if (folder / FLEET).exists():
        findings += check_fleet(folder, shipped=SCHEMAS)[1]
    if project and (folder / TESTS).is_dir():
        findings += read_tests(project)[1]
    return [f"{one.place}: {one.text}" for one in findings if one.severity == "error"]
