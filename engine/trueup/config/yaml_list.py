"""Edits a list in the text of a YAML file: appends, replaces or removes items.

Nothing else in the text changes: comments, order and layout stay. The caller must parse the result
and compare it with what it expected, because YAML allows layouts that this module does not handle.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import yaml
from msgspec import Struct

_LONGEST_LINE = 100_000
_OPENS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class _ListSpan(Struct):
    """Where a list stands in the text. All positions count characters."""

    start: int
    end: int
    """Of the list, or of the value that stands in its place."""

    is_flow: bool = False
    """The list is written in brackets: `[a, b]`."""

    items: list[tuple[int, int]] = []
    """The start and end of each item. In a block, an item starts with its dash."""

    column: int = 0
    """The column of the dashes."""


class ListEdits(Struct, frozen=True):
    """Edits of a list: items by position that are replaced or removed, and new items."""

    replaced: Mapping[int, Mapping[str, object]] = {}
    removed: Collection[int] = ()
    appended: Sequence[Mapping[str, object]] = ()


def edit_list(text: str, key: str, edits: ListEdits) -> str:
    """Returns the text with the list under `key` edited. The list is created if there is none.

    Raises `KeyError` if an item is to be changed and there is no such key, `IndexError` if there is
    no such item.
    """
    span = _find(text, key)
    changed = sorted([*edits.replaced, *edits.removed], reverse=True)
    if span is None and changed:
        raise KeyError(key)

    # From the end to the start: an edit does not move what stands before it.
    if edits.appended:
        text = _append(text, key, span, edits.appended)
    for position in changed:
        if span:
            item = edits.replaced.get(position)
            text = _replace(text, span, position, item) if item else _remove(text, span, position)
    return text


def _append(
    text: str, key: str, span: _ListSpan | None, items: Sequence[Mapping[str, object]]
) -> str:
    if span is None:
        return _with_newline(text) + f"{key}:\n{_block(items, 0)}"
    if span.is_flow and span.items:
        end = span.items[-1][1]
        return f"{text[:end]}, {', '.join(map(_flow, items))}{text[end:]}"
    if span.items:
        end = _line_end(text, span.items[-1][1])
        return _with_newline(text[:end]) + _block(items, span.column) + text[end:]

    # An empty list, or null: it is replaced by a block, and a comment on its line stays.
    line_end = _line_end(text, span.end)
    line = text[: span.start].rstrip(" ") + text[span.end : line_end]
    return _with_newline(line) + _block(items, 0) + text[line_end:]


def _replace(text: str, span: _ListSpan, position: int, item: Mapping[str, object]) -> str:
    start, end = span.items[position]
    if span.is_flow:
        return text[:start] + _flow(item) + text[end:]
    end = _line_end(text, end)
    return text[:start] + _block([item], span.column).lstrip(" ") + text[end:]


def _remove(text: str, span: _ListSpan, position: int) -> str:
    start, end = span.items[position]
    if span.is_flow and position == 0:
        return text[:start] + (text[span.items[1][0] :] if len(span.items) > 1 else text[end:])
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


def _block(items: Sequence[Mapping[str, object]], column: int) -> str:
    lines = _dump([dict(item) for item in items], flow=False).splitlines()
    return "".join(f"{' ' * column}{line}\n" for line in lines)


def _flow(item: Mapping[str, object]) -> str:
    return _dump(dict(item), flow=True).strip()


class _Plain(yaml.SafeDumper):
    """Writes a value that occurs twice as itself: no anchors and aliases."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _dump(data: object, *, flow: bool) -> str:
    return yaml.dump(
        data,
        Dumper=_Plain,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=flow,
        width=_LONGEST_LINE,
    )
