"""What a person decided, written into `mappings/decisions.yaml`; nothing else of the file changes.

The text is edited, never written anew from data, so comments and order stay. The result is read again
before it takes the file's place: either exactly the entry came in, or nothing did.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.config.documents import parse
from engine.config.yaml_list import add, exchange, remove
from engine.errors import ConfigError
from engine.model.finding import Finding, Place, Severity
from engine.model.project import About, Verdict

FILE = "mappings/decisions.yaml"
KEY = "decisions"
BY_HAND = "edit it by hand"
UNSAFE = "is laid out in a way that cannot be edited safely"

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Written:
    """What `decide` did: which line now holds the entry, and whether it took an older one's place."""

    place: Place
    replaced: bool


def decide(root: Path, entry: Mapping[str, object]) -> Written:
    """Puts the entry in, in the place of what is decided on the same matter of the same mapping and key.

    The file is made if there is none; it is written whole or not at all. Raises ConfigError.
    """
    path = (root / FILE).resolve()
    try:
        old = path.read_bytes() if path.exists() else b""
        text, written = edited(old, entry)
        _write_whole(path, text)
    except OSError as error:
        raise _refused(f"cannot be written: {error.strerror}; it is as it was", Place(FILE)) from error
    return written


def edited(old: bytes, entry: Mapping[str, object]) -> tuple[bytes, Written]:
    """The file's bytes with the entry in them. Raises ConfigError where that cannot be done safely."""
    before = _entries(old)
    same = [position for position, other in enumerate(before) if _matters(other) & _matters(entry)]
    for about in About:
        times = sum((*_row(entry), about) in _matters(before[position]) for position in same)
        if times > 1:
            raise _refused(f"{' '.join(_row(entry))} is decided {times} times", Place(FILE), "keep one of them")
    position = same[0] if same else len(before)
    rest = [other for place, other in enumerate(before) if place not in same]
    wanted = [*rest[:position], dict(entry), *rest[position:]]
    try:
        raw = _with(old, same, entry)
        safe = _entries(raw) == wanted
    except (yaml.YAMLError, ConfigError) as error:
        raise _refused(UNSAFE, Place(FILE), BY_HAND) from error
    if not safe:
        raise _refused(UNSAFE, Place(FILE), BY_HAND)
    return raw, Written(_place(raw, position), bool(same))


def _with(old: bytes, same: Sequence[int], entry: Mapping[str, object]) -> bytes:
    mark = _MARK if old.startswith(_MARK) else b""
    text = old.decode("utf-8-sig")
    windows = "\r\n" in text
    text = text.replace("\r\n", "\n")
    for position in reversed(same[1:]):
        text = remove(text, KEY, position)
    new = exchange(text, KEY, same[0], entry) if same else add(text, KEY, entry)
    return mark + (new.replace("\n", "\r\n") if windows else new).encode()


def _entries(raw: bytes) -> list[dict[str, Any]]:
    documents, findings = parse(raw, FILE)
    if findings:
        raise ConfigError(findings)
    if len(documents) > 1:
        raise _refused("holds more than one YAML document", Place(FILE), BY_HAND)
    data = documents[0].data if documents else None
    entries = (data or {}).get(KEY) or [] if isinstance(data, dict | None) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _refused(f"is no list under `{KEY}:`", Place(FILE), "compare it with schemas/decisions.schema.json")
    return entries


def _row(entry: Mapping[str, object]) -> tuple[str, str]:
    return str(entry.get("mapping")), str(entry.get("key"))


def _matters(entry: Mapping[str, object]) -> set[tuple[str, str, About]]:
    """What it is about: its row, and which matter of it. One that cannot be told is about all."""
    try:
        about = Verdict(str(entry.get("do", Verdict.LINK))).about
    except ValueError:
        about = frozenset(About)
    return {(*_row(entry), one) for one in about}


def _place(raw: bytes, position: int) -> Place:
    documents, _ = parse(raw, FILE)
    return documents[0].place(KEY, position)


def _write_whole(path: Path, raw: bytes) -> None:
    """Beside the file first, made durable, then in its place."""
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as file:
            if path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink()


def _refused(text: str, place: Place, remedy: str = "") -> ConfigError:
    return ConfigError([Finding("decisions-file", Severity.ERROR, text, remedy, place)])
