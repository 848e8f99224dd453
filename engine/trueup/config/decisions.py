"""Writes decisions into `mappings/decisions.yaml` and changes nothing else in the file.

`edited_all` takes the file's bytes and the entries. The text is edited in place, so comments and
order stay. The result is parsed before it replaces the file: either exactly the entries were added,
or the file is left as it was.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from trueup.config.entry_file import EntryFile, row_of
from trueup.config.file_names import DECISIONS
from trueup.config.yaml_list import ListEdits
from trueup.model.finding import Place
from trueup.model.verdict import Topic, Verdict

KEY = "decisions"

_FILE = EntryFile(DECISIONS, KEY, "schemas/decisions.schema.json", "decisions-file")


class WrittenEntry(Struct, frozen=True):
    """The result of `decide`."""

    place: Place
    """The place of the entry."""

    replaced: bool
    """The entry replaced an older one."""


def decide(root: Path, entry: Mapping[str, object]) -> WrittenEntry:
    """Writes the entry. It replaces what was decided on the same topics of the same row.

    The file is created if it does not exist. It is written completely or not at all. Raises
    `ConfigError` if the file cannot be written or edited safely.
    """
    with _FILE.locked(root):
        old = read(root)
        new, written = edited(old, entry)
        _FILE.write(root, new, old)
    return written


def read(root: Path) -> bytes:
    """Returns the bytes of the project's file; none if there is no file.

    Raises `ConfigError` if it cannot be read.
    """
    return _FILE.read(root)


def write(root: Path, new: bytes, old: bytes) -> None:
    """Replaces the project's file, completely or not at all. `old` is what it must hold now.

    Raises `ConfigError` if it cannot be written, or was changed since `old` was read.
    """
    with _FILE.locked(root):
        _FILE.write(root, new, old)


def edited(old: bytes, entry: Mapping[str, object]) -> tuple[bytes, WrittenEntry]:
    """Returns the file's bytes with the entry in them, and what was written.

    Raises `ConfigError` if the file cannot be edited safely.
    """
    new, (written,) = edited_all(old, [entry])
    return new, written


def edited_all(
    old: bytes, entries: Sequence[Mapping[str, object]]
) -> tuple[bytes, Sequence[WrittenEntry]]:
    """Returns the file's bytes with the entries in them, and what was written, in their order.

    Each entry replaces what was decided on its topics; no two entries may decide the same topic.
    Raises `ConfigError` if the file cannot be edited safely.
    """
    before = _FILE.entries(old)
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
    new, expected = _FILE.edited(old, ListEdits(replaced, removed, appended))
    places = _FILE.places(new, [expected.index(dict(entry)) for entry in entries])
    return new, [WrittenEntry(place, older) for place, older in zip(places, has_older, strict=True)]


def _check_single(entry: Mapping[str, object], same: Sequence[Mapping[str, object]]) -> None:
    """Raises `ConfigError` if a topic of the row is decided more than once already."""
    for topic in Topic:
        count = sum((*row_of(entry), topic) in _topics(other) for other in same)
        if count > 1:
            text = f"{' '.join(row_of(entry))} is decided {count} times"
            raise _FILE.refused(text, "keep one of them")


def _topics(entry: Mapping[str, object]) -> set[tuple[str, str, Topic]]:
    """Returns the row with each topic that the entry decides; all topics for an unknown verdict."""
    try:
        topics = Verdict(str(entry.get("do", Verdict.LINK))).topics
    except ValueError:
        topics = frozenset(Topic)
    return {(*row_of(entry), topic) for topic in topics}
