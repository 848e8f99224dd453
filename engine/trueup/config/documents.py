"""Reads a YAML file into plain data, with the place of everything in it.

`read` returns the documents of a file and what is wrong with it; `parse` does the same for bytes.

This is stricter than YAML, because a silent surprise in a billing file is worse than an error:

- Only `true` and `false` are booleans; `no`, `on` and `off` are text.
- Numbers are `12`, `-3` and `1.50`, a decimal exactly as written. `007` and `1e5` are text.
- `2026-11-01` is a day. A key is always text.
- Refused are keys given twice, tags, files that are not UTF-8, too large or too deep, and aliases
  that multiply.

The parser's events are read one by one instead of its node tree. Composing that tree is recursive
in C, and a file of 50,000 brackets would end the process.
"""

from pathlib import Path

import yaml

from trueup.config.syntax_errors import syntax_error
from trueup.config.yaml_events import (
    Document,
    DocumentBuilder,
    InvalidYaml,
    Lines,
    Steps,
    yaml_error,
)
from trueup.model.finding import Finding, Place

__all__ = ["Document", "Steps", "parse", "read"]

LARGEST_FILE = 2_000_000
"""Bytes."""


def read(path: Path, file: str) -> tuple[list[Document], list[Finding]]:
    """Returns the documents of a file and what is wrong with it.

    `file` is the name of the file in places and messages.
    """
    try:
        if not path.is_file():
            return [], [yaml_error(_not_a_file(path), Place(file))]
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        return [], [yaml_error(f"cannot be read: {error.strerror}", Place(file))]

    if len(raw) > LARGEST_FILE:
        text = f"larger than {LARGEST_FILE:,} bytes"
        return [], [yaml_error(text, Place(file), "split it into several files")]
    return parse(raw, file)


def parse(raw: bytes, file: str) -> tuple[list[Document], list[Finding]]:
    """Returns the documents in these bytes and what is wrong with them.

    If an error ends the reading, the documents before it are returned anyway.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_after(raw[: error.start].decode("utf-8-sig"), file)
        return [], [yaml_error("not UTF-8 text from here on", place, "save the file as UTF-8")]

    lines = Lines(text, file)
    builder = DocumentBuilder(lines, file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.feed(event)
    except yaml.MarkedYAMLError as error:
        builder.findings.append(syntax_error(error, text, file))
    except yaml.reader.ReaderError as error:
        builder.findings.append(_character_error(error, text, file))
    except InvalidYaml as error:
        builder.findings.append(error.finding)
    return builder.documents, builder.findings


def _not_a_file(path: Path) -> str:
    if path.is_dir():
        return "is a folder, not a file"
    if path.exists():
        return "is not a regular file"
    return "is a link to a file that does not exist" if path.is_symlink() else "is missing"


def _place_after(text: str, file: str) -> Place:
    """Returns the place of what follows this much text of the file."""
    return Lines(text, file).place(len(text))


def _character_error(error: yaml.reader.ReaderError, text: str, file: str) -> Finding:
    """Returns the finding for a control character, which YAML does not allow."""
    before = text.encode()[: error.position].decode(errors="ignore")  # the position counts bytes
    place = _place_after(before, file)
    return yaml_error(f"broken YAML: {error.reason}", place, "remove the character")
