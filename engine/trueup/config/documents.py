"""A YAML file in, its documents out: plain data, and the place of everything in them.

Stricter than YAML, because a silent surprise in a billing file is worse than an error. Only `true`
and `false` are booleans (`no`, `on`, `off` are text); numbers are `12`, `-3`, `1.50` (decimals,
exactly as written) and nothing else: `007` and `1e5` stay text; `2026-11-01` is a day; a key is
always text. Refused: a key given twice, tags, files that are not UTF-8, too large or too deep, aliases
that multiply. The parser's events are read one by one, never its node tree: composing that is
recursive in C, and 50,000 brackets would end the process.
"""

from pathlib import Path

import yaml

from engine.config.events import Builder, Document, Refused, Steps, fault
from engine.model.finding import Finding, Place

__all__ = ["Document", "Steps", "parse", "read"]

LARGEST_FILE = 2_000_000  # bytes


def read(path: Path, file: str) -> tuple[list[Document], list[Finding]]:
    """All documents of a file, under the name `file`; what cannot be read is said in findings."""
    try:
        if not path.is_file():
            return [], [fault(_no_file(path), Place(file))]
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        return [], [fault(f"cannot be read: {error.strerror}", Place(file))]
    if len(raw) > LARGEST_FILE:
        return [], [fault(f"larger than {LARGEST_FILE:,} bytes", Place(file), "split it into several files")]
    return parse(raw, file)


def parse(raw: bytes, file: str) -> tuple[list[Document], list[Finding]]:
    """The documents in these bytes. Documents before a fault that ends the reading are given all the same."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place(raw[: error.start].decode("utf-8-sig"), file)
        return [], [fault("not UTF-8 text from here on", place, "save the file as UTF-8")]
    builder = Builder(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.findings.append(_broken(error, text, file))
    except yaml.reader.ReaderError as error:
        builder.findings.append(_unreadable(error, text, file))
    except Refused as refused:
        builder.findings.append(refused.finding)
    return builder.documents, builder.findings


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "is a folder, not a file"
    return "is no ordinary file" if path.exists() else "is missing"


def _place(before: str, file: str) -> Place:
    """The place after this much text."""
    return Place(file, before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)


def _broken(error: yaml.MarkedYAMLError, text: str, file: str) -> Finding:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return fault(f"broken YAML: {error.problem}", Place(file))
    place = Place(file, mark.line + 1, mark.column + 1)
    lines = text.split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    if line[mark.column : mark.column + 1] == "\t":
        return fault("a tab where YAML wants spaces", place, "indent with spaces")
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return fault(f"broken YAML: {said}", place)


def _unreadable(error: yaml.reader.ReaderError, text: str, file: str) -> Finding:
    """A control character, which YAML does not allow. The reader's position counts bytes."""
    before = text.encode()[: error.position].decode(errors="ignore")
    return fault(f"broken YAML: {error.reason}", _place(before, file), "remove the character")
