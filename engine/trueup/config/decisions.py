"""Writes decisions into `mappings/decisions.yaml` and changes nothing else in the file.

`edited_all` takes the file's bytes and the entries. The text is edited in place, so comments and
order stay. The result is parsed before it replaces the file: either exactly the entries were added,
or the file is left as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trueup import operating_system
from trueup.config.documents import parse
from trueup.config.yaml_list import ListEdits, edit_list
from trueup.errors import ConfigError
from trueup.local_files import is_absent, read_regular
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
    old = read(root)
    new, written = edited(old, entry)
    write(root, new, old)
    return written


def read(root: Path) -> bytes:
    """Returns the bytes of the project's file; none if there is no file.

    Raises `ConfigError` if it cannot be read.
    """
    path = root / FILE
    try:
        return b"" if is_absent(path) else read_regular(path)
    except OSError as error:
        raise _refused(f"cannot be read: {error.strerror}", Place(FILE)) from error


def write(root: Path, new: bytes, old: bytes) -> None:
    """Replaces the project's file, completely or not at all. `old` is what it must hold now.

    Raises `ConfigError` if it cannot be written, or was changed since `old` was read.
    """
    path = (root / FILE).resolve()
    if read(root) != old:
        text = "was changed in the meantime; it is left as it is now"
        raise _refused(text, Place(FILE), "look at the change, then repeat the command")
    try:
        before = path.stat() if path.exists() else None
        operating_system.write_whole(path, new, like=before)
    except OSError as error:
        text = f"cannot be written: {error.strerror}; it is unchanged"
        raise _refused(text, Place(FILE)) from error


def edited(old: bytes, entry: Mapping[str, object]) -> tuple[bytes, Written]:
    """Returns the file's bytes with the entry in them, and what was written.

    Raises `ConfigError` if the file cannot be edited safely.
    """
    new, (written,) = edited_all(old, [entry])
    return new, written


def edited_all(
    old: bytes, entries: Sequence[Mapping[str, object]]
) -> tuple[bytes, Sequence[Written]]:
    """Returns the file's bytes with the entries in them, and what was written, in their order.

    Each entry replaces what was decided on its topics; no two entries may decide the same topic.
    Raises `ConfigError` if the file cannot be edited safely.
    """
    before = _entries(old)
    decided: dict[tuple[str, str, Topic], list[int]] = {}
    for position, other in enumerate(before):
        for topic in _topics(other):
            decided.setdefault(topic, []).append(position)

    replaced: dict[int, Mapping[str, object]] = {}
    removed: set[int] = set()
    appended: list[Mapping[str, object]] = []
    has_older: list[bool] = []
    for entry in entries:
        found = sorted({at for topic in _topics(entry) for at in decided.get(topic, ())})
        _check_single(entry, [before[position] for position in found])
        same = [position for position in found if position not in replaced]
        has_older.append(bool(found))
        if same:
            replaced[same[0]] = entry
            removed.update(same[1:])
        else:
            appended.append(entry)

    removed -= replaced.keys()
    kept = [
        dict(replaced.get(position, other))
        for position, other in enumerate(before)
        if position not in removed
    ]
    expected = [*kept, *map(dict, appended)]
    try:
        new = _with_edits(old, ListEdits(replaced, removed, appended))
        is_safe = _entries(new) == expected
    except (yaml.YAMLError, ConfigError) as error:
        raise _refused(_UNSAFE, Place(FILE), _EDIT_MANUALLY) from error
    if not is_safe:
        raise _refused(_UNSAFE, Place(FILE), _EDIT_MANUALLY)
    places = _places(new, [expected.index(dict(entry)) for entry in entries])
    return new, [Written(place, older) for place, older in zip(places, has_older, strict=True)]


def _check_single(entry: Mapping[str, object], same: Sequence[Mapping[str, object]]) -> None:
    """Raises `ConfigError` if a topic of the row is decided more than once already."""
    for topic in Topic:
        count = sum((*_row(entry), topic) in _topics(other) for other in same)
        if count > 1:
            text = f"{' '.join(_row(entry))} is decided {count} times"
            raise _refused(text, Place(FILE), "keep one of them")


def _with_edits(old: bytes, edits: ListEdits) -> bytes:
    """Returns the edited bytes. A byte order mark and line ends of Windows stay."""
    bom = _BOM if old.startswith(_BOM) else b""
    text = old.decode("utf-8-sig")
    has_crlf = "\r\n" in text
    new = edit_list(text.replace("\r\n", "\n"), KEY, edits)
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


def _places(raw: bytes, positions: Sequence[int]) -> list[Place]:
    documents, _ = parse(raw, FILE)
    return [documents[0].place(KEY, position) for position in positions]


def _refused(text: str, place: Place, remedy: str = "") -> ConfigError:
    return ConfigError([Finding("decisions-file", Severity.ERROR, text, remedy, place)])
