"""A list under a key of a YAML text: where its items stand, and the text with one added or exchanged.

Nothing else of the text changes: comments, order and layout stay. Whoever calls reads the result again,
for what a text editor believes about YAML is worth a check.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

_LONGEST_LINE = 100_000
_OPENS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


@dataclass(slots=True)
class List:
    """By character: `start` to `end` is the list, or the nothing that stands in its place."""

    start: int
    end: int
    flow: bool = False  # written in [ ]
    items: list[tuple[int, int]] = field(default_factory=list)  # in [ ], or the line after the last `-` entry
    column: int = 0  # of the dashes


def add(text: str, key: str, entry: Mapping[str, object]) -> str:
    """The text with the entry at the end of the list under `key`, which is made if there is none."""
    found = _find(text, key)
    if found is None:
        return _ended(text) + f"{key}:\n{_block(entry, 0)}"
    if found.flow and found.items:
        end = found.items[-1][1]
        return f"{text[:end]}, {_flow(entry)}{text[end:]}"
    if found.items:
        end = _line_end(text, found.items[-1][1])
        return _ended(text[:end]) + _block(entry, found.column) + text[end:]
    line_end = _line_end(text, found.end)
    line = text[: found.start].rstrip(" ") + text[found.end : line_end]
    return _ended(line) + _block(entry, 0) + text[line_end:]


def exchange(text: str, key: str, position: int, entry: Mapping[str, object]) -> str:
    """The text with the entry in the place of that item of the list under `key`, which must be there."""
    found = _find(text, key)
    if found is None:
        raise KeyError(key)
    start, end = found.items[position]
    if found.flow:
        return text[:start] + _flow(entry) + text[end:]
    end = _line_end(text, end)
    return text[:start] + _block(entry, found.column).lstrip(" ") + text[end:]


def remove(text: str, key: str, position: int) -> str:
    """The text without that item of the list under `key`; not the first one, which must be there."""
    found = _find(text, key)
    if found is None:
        raise KeyError(key)
    start, end = found.items[position]
    if found.flow:
        return text[: found.items[position - 1][1]] + text[end:]
    return text[: text.rfind("\n", 0, start) + 1] + text[_line_end(text, end) :]


def _find(text: str, key: str) -> List | None:
    """The value under that key of the top mapping."""
    events = yaml.parse(text, Loader=yaml.SafeLoader)
    depth = nodes = 0  # keys and values of the top mapping take turns
    for event in events:
        if isinstance(event, _CLOSES):
            depth -= 1
        elif isinstance(event, yaml.NodeEvent):
            if depth == 1 and nodes % 2 == 0 and getattr(event, "value", None) == key:
                return _value(text, next(events), events)
            nodes += depth == 1
            depth += isinstance(event, _OPENS)
    return None


def _value(text: str, event: Any, events: Iterator[Any]) -> List:  # noqa: ANN401 -- PyYAML's events
    begins, ends = event.start_mark, event.end_mark
    if not isinstance(event, yaml.SequenceStartEvent):
        return List(begins.index, ends.index)
    found = List(begins.index, ends.index, bool(event.flow_style), column=begins.column)
    dashes = [token.start_mark.index for token in yaml.scan(text) if isinstance(token, yaml.BlockEntryToken)]
    depth, start, end = 1, 0, 0
    for inside in events:
        opens, closes = isinstance(inside, _OPENS), isinstance(inside, _CLOSES)
        if depth == 1 and not closes:
            start = inside.start_mark.index
        depth += opens - closes
        if depth == 0:
            found.end = inside.end_mark.index if found.flow else end
            return found
        # A block ends where the next thing begins: only scalars, aliases and brackets end where they end.
        if not opens and (not closes or text[inside.end_mark.index - 1] in "]}"):
            end = inside.end_mark.index
        if depth == 1:
            found.items.append((start if found.flow else max(d for d in dashes if d <= start), end))
    return found


def _line_end(text: str, position: int) -> int:
    """Where the line ends that holds what ends here; a block of text ends with its last line."""
    if text[position - 1 : position] == "\n":
        position = len(text[:position].rstrip())
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _block(entry: Mapping[str, object], column: int) -> str:
    lines = _dumped([dict(entry)], flow=False).splitlines()
    return "".join(f"{' ' * column}{line}\n" for line in lines)


def _flow(entry: Mapping[str, object]) -> str:
    return _dumped(dict(entry), flow=True).strip()


def _dumped(data: object, *, flow: bool) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=_LONGEST_LINE)
