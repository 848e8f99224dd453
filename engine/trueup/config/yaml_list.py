"""Edits a list in the text of a YAML file: appends, replaces or removes one item.

Nothing else in the text changes: comments, order and layout stay. The caller must parse the result
and compare it with what it expected, because YAML allows layouts that this module does not handle.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

_LONGEST_LINE = 100_000
_OPENS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


@dataclass(slots=True)
class _ListSpan:
    """Where a list stands in the text. All positions count characters."""

    start: int
    end: int
    """Of the list, or of the value that stands in its place."""

    is_flow: bool = False
    """The list is written in brackets: `[a, b]`."""

    items: list[tuple[int, int]] = field(default_factory=list)
    """The start and end of each item. In a block, an item starts with its dash."""

    column: int = 0
    """The column of the dashes."""


def append_item(text: str, key: str, item: Mapping[str, object]) -> str:
    """Returns the text with the item at the end of the list under `key`.

    The list is created if there is none.
    """
    span = _find(text, key)
    if span is None:
        return _with_newline(text) + f"{key}:\n{_block(item, 0)}"
    if span.is_flow and span.items:
        end = span.items[-1][1]
        return f"{text[:end]}, {_flow(item)}{text[end:]}"
    if span.items:
        end = _line_end(text, span.items[-1][1])
        return _with_newline(text[:end]) + _block(item, span.column) + text[end:]

    # An empty list, or null: it is replaced by a block, and a comment on its line stays.
    line_end = _line_end(text, span.end)
    line = text[: span.start].rstrip(" ") + text[span.end : line_end]
    return _with_newline(line) + _block(item, 0) + text[line_end:]


def replace_item(text: str, key: str, position: int, item: Mapping[str, object]) -> str:
    """Returns the text with the item at that position of the list under `key`.

    Raises `KeyError` if there is no such key, `IndexError` if there is no such item.
    """
    span = _find(text, key)
    if span is None:
        raise KeyError(key)

    start, end = span.items[position]
    if span.is_flow:
        return text[:start] + _flow(item) + text[end:]
    end = _line_end(text, end)
    return text[:start] + _block(item, span.column).lstrip(" ") + text[end:]


def remove_item(text: str, key: str, position: int) -> str:
    """Returns the text without the item at that position, which must not be the first.

    Raises `KeyError` if there is no such key, `IndexError` if there is no such item.
    """
    span = _find(text, key)
    if span is None:
        raise KeyError(key)

    start, end = span.items[position]
    if span.is_flow:
        return text[: span.items[position - 1][1]] + text[end:]
    return text[: text.rfind("\n", 0, start) + 1] + text[_line_end(text, end) :]


def _find(text: str, key: str) -> _ListSpan | None:
    """Returns where the value of that key of the top mapping stands, or None."""
    events = yaml.parse(text, Loader=yaml.SafeLoader)
    depth = count = 0  # keys and values of the top mapping alternate, so an even one is a key
    for event in events:
        if isinstance(event, _CLOSES):
            depth -= 1
        elif isinstance(event, yaml.NodeEvent):
            is_key = depth == 1 and count % 2 == 0
            if is_key and getattr(event, "value", None) == key:
                return _locate(text, next(events), events)
            count += depth == 1
            depth += isinstance(event, _OPENS)
    return None


def _locate(
    text: str,
    event: Any,  # noqa: ANN401 -- one of PyYAML's events
    events: Iterator[Any],
) -> _ListSpan:
    """Returns where the list that begins with `event` stands; `events` are those that follow."""
    begin, end_mark = event.start_mark, event.end_mark
    if not isinstance(event, yaml.SequenceStartEvent):
        return _ListSpan(begin.index, end_mark.index)

    span = _ListSpan(begin.index, end_mark.index, bool(event.flow_style), column=begin.column)
    dashes = [
        token.start_mark.index
        for token in yaml.scan(text)
        if isinstance(token, yaml.BlockEntryToken)
    ]
    depth, start, end = 1, 0, 0
    for inner in events:
        opens, closes = isinstance(inner, _OPENS), isinstance(inner, _CLOSES)
        if depth == 1 and not closes:
            start = inner.start_mark.index
        depth += opens - closes
        if depth == 0:
            span.end = inner.end_mark.index if span.is_flow else end
            return span

        # The end event of a block stands where the next thing begins, behind comments and empty
        # lines. Only scalars, aliases and closing brackets end where their event ends.
        if not opens and (not closes or text[inner.end_mark.index - 1] in "]}"):
            end = inner.end_mark.index
        if depth == 1:
            item_start = start if span.is_flow else max(dash for dash in dashes if dash <= start)
            span.items.append((item_start, end))
    return span


def _line_end(text: str, position: int) -> int:
    """Returns where the line ends in which the thing that ends at `position` ends.

    A block of text (`|`) ends with its last line, so `position` may be at the start of a line.
    """
    if text[position - 1 : position] == "\n":
        position = len(text[:position].rstrip())
    newline = text.find("\n", position)
    return len(text) if newline < 0 else newline + 1


def _with_newline(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _block(item: Mapping[str, object], column: int) -> str:
    lines = _dump([dict(item)], flow=False).splitlines()
    return "".join(f"{' ' * column}{line}\n" for line in lines)


def _flow(item: Mapping[str, object]) -> str:
    return _dump(dict(item), flow=True).strip()


def _dump(data: object, *, flow: bool) -> str:
    return yaml.safe_dump(
        data, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=_LONGEST_LINE
    )
