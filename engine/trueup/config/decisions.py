"""Writes a decision into `mappings/decisions.yaml` and changes nothing else in the file.

`decide` takes the project folder and the entry. The text is edited in place, so comments and order
stay. The result is parsed before it replaces the file: either exactly the entry was added, or the
file is left as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trueup import operating_system
from trueup.config.documents import parse
from trueup.config.yaml_list import append_item, remove_item, replace_item
from trueup.errors import ConfigError
from trueup.local_files import read_regular
from trueup.model.finding import Finding, Place, Severity
from trueup.model.project import Topic, Verdict

FILE = "mappings/decisions.yaml"
KEY = "decisions"

_EDIT_MANUALLY = "edit it manually"
_UNSAFE = "has a layout that cannot be edited safely"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Written:
    """The result of `decide`."""

    place: Place
    """The place of the entry."""

    replaced: bool
    """The entry replaced an older one."""


def decide(root: Path, entry: Mapping[str, object]) -> Written:
    """Writes the entry. It replaces what was decided on the same topics of the same row.

    The file is created if it does not exist. It is written completely or not at all. Raises
    `ConfigError` if the file cannot be written or edited safely.
    """
    path = (root / FILE).resolve()
    try:
        old = read_regular(path) if path.exists() else b""
        new, written = edited(old, entry)
        before = path.stat() if path.exists() else None
        operating_system.write_whole(path, new, like=before)
    except OSError as error:
        text = f"cannot be written: {error.strerror}; it is unchanged"
        raise _refused(text, Place(FILE)) from error
    return written


def edited(old: bytes, entry: Mapping[str, object]) -> tuple[bytes, Written]:
    """Returns the file's bytes with the entry in them, and what was written.

    Raises `ConfigError` if the file cannot be edited safely.
    """
    before = _entries(old)
    same = [position for position, other in enumerate(before) if _topics(other) & _topics(entry)]
    _check_single(entry, [before[position] for position in same])

    position = same[0] if same else len(before)
    others = [other for index, other in enumerate(before) if index not in same]
    expected = [*others[:position], dict(entry), *others[position:]]
    try:
        new = _with_entry(old, same, entry)
        is_safe = _entries(new) == expected
    except (yaml.YAMLError, ConfigError) as error:
        raise _refused(_UNSAFE, Place(FILE), _EDIT_MANUALLY) from error
    if not is_safe:
        raise _refused(_UNSAFE, Place(FILE), _EDIT_MANUALLY)
    return new, Written(_place(new, position), bool(same))


def _check_single(entry: Mapping[str, object], same: Sequence[Mapping[str, object]]) -> None:
    """Raises `ConfigError` if a topic of the row is decided more than once already."""
    for topic in Topic:
        count = sum((*_row(entry), topic) in _topics(other) for other in same)
        if count > 1:
            text = f"{' '.join(_row(entry))} is decided {count} times"
            raise _refused(text, Place(FILE), "keep one of them")


def _with_entry(old: bytes, same: Sequence[int], entry: Mapping[str, object]) -> bytes:
    """Returns the bytes with the entry in place of those at `same`, or else at the end.

    A byte order mark and line ends of Windows stay.
    """
    bom = _BOM if old.startswith(_BOM) else b""
    text = old.decode("utf-8-sig")
    has_crlf = "\r\n" in text
    text = text.replace("\r\n", "\n")

    for position in reversed(same[1:]):
        text = remove_item(text, KEY, position)
    new = replace_item(text, KEY, same[0], entry) if same else append_item(text, KEY, entry)
    return bom + (new.replace("\n", "\r\n") if has_crlf else new).encode()


def _entries(raw: bytes) -> list[dict[str, Any]]:
    """Returns the entries in these bytes. Raises `ConfigError` if there is no list of them."""
    documents, findings = parse(raw, FILE)
    if findings:
        raise ConfigError(findings)
    if len(documents) > 1:
        raise _refused("has more than one YAML document", Place(FILE), _EDIT_MANUALLY)

    data = documents[0].data if documents else None
    entries = (data or {}).get(KEY) or [] if isinstance(data, dict | None) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        remedy = "compare it with schemas/decisions.schema.json"
        raise _refused(f"has no list under `{KEY}:`", Place(FILE), remedy)
    return entries


def _row(entry: Mapping[str, object]) -> tuple[str, str]:
    return str(entry.get("mapping")), str(entry.get("key"))


def _topics(entry: Mapping[str, object]) -> set[tuple[str, str, Topic]]:
    """Returns the row with each topic that the entry decides; all topics for an unknown verdict."""
    try:
        topics = Verdict(str(entry.get("do", Verdict.LINK))).topics
    except ValueError:
        topics = frozenset(Topic)
    return {(*_row(entry), topic) for topic in topics}


def _place(raw: bytes, position: int) -> Place:
    documents, _ = parse(raw, FILE)
    return documents[0].place(KEY, position)


def _refused(text: str, place: Place, remedy: str = "") -> ConfigError:
    return ConfigError([Finding("decisions-file", Severity.ERROR, text, remedy, place)])
