"""Builds documents from the events of PyYAML's parser, without recursion.

Start with `DocumentBuilder.feed`. `documents.py` states what is accepted and why.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

import yaml
from msgspec import Struct

from trueup.config.yaml_scalars import plain_value
from trueup.model.finding import Finding, Place, Severity

MOST_NODES = 200_000
"""Values in one file. Aliases count as often as they are used."""

DEEPEST = 40

Steps = tuple[str | int, ...]
"""The way to a value inside a document: keys and indexes."""

_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_MERGE = "<<"


class Document(Struct, frozen=True):
    """One YAML document: its data and the places of its values and keys."""

    file: str
    """The name of the file, relative to the project folder."""

    data: Any
    values: Mapping[Steps, Place]
    keys: Mapping[Steps, Place]

    def place(self, *steps: str | int) -> Place:
        """Returns where that value begins, or else the nearest value around it."""
        while steps and steps not in self.values:
            steps = steps[:-1]
        return self.values.get(steps, Place(self.file))

    def key_place(self, *steps: str | int) -> Place:
        """Returns where the key of that value stands; for an item of a list, where it begins."""
        return self.keys[steps] if steps in self.keys else self.place(*steps)


_LINE_END = re.compile(r"\r\n|\n|\r")


class Lines:
    """The lines of a text as editors count them.

    For YAML 1.1, U+0085, U+2028 and U+2029 end a line too, also inside a quoted text: behind one of
    these, the parser's own lines are not those that an editor shows.
    """

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file = text, file
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def place(self, offset: int) -> Place:
        """Returns the place of the character at that offset."""
        line = bisect_right(self._starts, offset)
        return Place(self._file, line, offset - self._starts[line - 1] + 1)

    def at(self, offset: int) -> str:
        """Returns the line of that character, without its end."""
        start = self._starts[bisect_right(self._starts, offset) - 1]
        end = _LINE_END.search(self._text, start)
        return self._text[start : end.start() if end else None]


def yaml_error(text: str, place: Place, remedy: str = "") -> Finding:
    """Returns a finding about the YAML itself."""
    return Finding("yaml", Severity.ERROR, text, remedy, place)


def given_twice(key: str, first: int, place: Place) -> Finding:
    """Returns the finding for a key that the mapping has already, in line `first`."""
    text = f"{key!r} is given twice; the first is in line {first}"
    return yaml_error(text, place, "remove one of them")


class InvalidYaml(Exception):
    """The rest of the file cannot be read. `finding` has the reason."""

    def __init__(self, text: str, place: Place, remedy: str = "") -> None:
        super().__init__(text)
        self.finding = yaml_error(text, place, remedy)


class _Container(Struct):
    """A list or mapping whose end has not been read yet."""

    data: list[Any] | dict[str, Any]
    steps: Steps
    place: Place
    anchor: str | None
    size: int = 1
    """The number of values in it, itself included."""

    key: str | None = None
    """The key whose value comes next."""

    is_merge: bool = False
    """The next value is that of `<<`."""

    is_dropped: bool = False
    """The next value belongs to a key that was refused."""

    merges: list[tuple[dict[str, Any], Place]] = []
    """The mappings that `<<` merges into it."""

    @property
    def expects_key(self) -> bool:
        """Returns whether the next scalar is a key."""
        return isinstance(self.data, dict) and self.key is None


class _Anchored(Struct, frozen=True):
    """The value of an alias. It is shared, never copied."""

    data: Any
    size: int


class DocumentBuilder:
    """Takes one event after another. `documents` and `findings` hold the results."""

    def __init__(self, lines: Lines, file: str) -> None:
        self.file = file
        self._lines = lines
        self.documents: list[Document] = []
        self.findings: list[Finding] = []
        self._stack: list[_Container] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None: its value has not ended yet
        self._values: dict[Steps, Place] = {}
        self._keys: dict[Steps, Place] = {}
        self._size = 0

    def feed(self, event: Any) -> None:  # noqa: ANN401 -- PyYAML's events have no common type
        """Handles the next event. Raises `InvalidYaml` if the rest cannot be read."""
        place = self._lines.place(event.start_mark.index)
        match event:
            case yaml.DocumentStartEvent():
                self._anchors, self._values, self._keys = {}, {}, {}
            case yaml.ScalarEvent():
                self._add_scalar(event, place)
            case yaml.AliasEvent():
                self._add_alias(str(event.anchor), place)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._open(event, place)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._close()
            case _:
                pass  # the start and end of the stream and the end of a document need no action

    @property
    def _top(self) -> _Container | None:
        return self._stack[-1] if self._stack else None

    def _report(self, text: str, place: Place, remedy: str = "") -> None:
        self.findings.append(yaml_error(text, place, remedy))

    def _add_scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        text = str(event.value)
        self._check_tag(event.tag, place)
        if self._top and self._top.expects_key:
            self._add_key(self._top, text, place, is_plain=not event.style)
            if event.anchor:
                self._anchors[event.anchor] = _Anchored(text, 1)
            return

        is_plain = not event.style and event.tag is None
        try:
            value = plain_value(text) if is_plain else text
        except ValueError:
            self._report(f"there is no day {text}", place)
            value = text
        self._add_value(value, place, 1, event.anchor)

    def _check_tag(self, tag: str | None, place: Place) -> None:
        if tag is not None and tag not in _TEXT_TAGS:
            remedy = "write the value without a tag; quotes make it text"
            self._report(f"the tag {tag!r} is not allowed", place, remedy)

    def _add_key(self, top: _Container, key: str, place: Place, *, is_plain: bool) -> None:
        top.key, top.is_merge, top.is_dropped = key, is_plain and key == _MERGE, False
        if top.is_merge:
            return

        steps = (*top.steps, key)
        if steps in self._keys:
            self.findings.append(given_twice(key, self._keys[steps].line, place))
            top.is_dropped = True
        else:
            self._keys[steps] = place

    def _add_alias(self, anchor: str, place: Place) -> None:
        anchored = self._anchors.get(anchor)
        if anchored is None:
            is_open = anchor in self._anchors
            text = (
                f"*{anchor} is inside its own anchor"
                if is_open
                else f"there is no anchor &{anchor}"
            )
            raise InvalidYaml(text, place)

        if self._top and self._top.expects_key:
            if not isinstance(anchored.data, str):
                raise InvalidYaml("a key must be text", place)
            self._add_key(self._top, anchored.data, place, is_plain=False)
            return
        self._add_value(anchored.data, place, anchored.size, None)

    def _open(self, event: Any, place: Place) -> None:  # noqa: ANN401 -- as above
        """Begins a list or mapping."""
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._check_tag(event.tag, place)
        if len(self._stack) >= DEEPEST:
            raise InvalidYaml(f"nested deeper than {DEEPEST} levels", place)
        if self._top and self._top.expects_key:
            is_braces = is_mapping and event.flow_style
            remedy = 'put an expression in quotes: "{{ … }}"' if is_braces else ""
            raise InvalidYaml("a key must be text", place, remedy)

        if event.anchor:
            self._anchors[event.anchor] = None
        data: list[Any] | dict[str, Any] = {} if is_mapping else []
        self._stack.append(_Container(data, self._next_steps(), place, event.anchor))

    def _next_steps(self) -> Steps:
        """Returns the steps to the value that comes next."""
        top = self._top
        if top is None:
            return ()
        if isinstance(top.data, list):
            return (*top.steps, len(top.data))

        # Merged and refused values must not take the place of a value that counts.
        key = str(top.key)
        is_aside = top.is_merge or top.is_dropped
        return (*top.steps, key, _MERGE) if is_aside else (*top.steps, key)

    def _close(self) -> None:
        """Ends the innermost list or mapping. Adds the merged keys that the mapping lacks."""
        done = self._stack.pop()
        for merged, place in done.merges:
            for key, value in merged.items():
                if isinstance(done.data, dict) and key not in done.data:
                    done.data[key] = value
                    self._values[*done.steps, key] = self._keys[*done.steps, key] = place
        self._add_value(done.data, done.place, done.size, done.anchor)

    def _add_value(
        self,
        data: Any,  # noqa: ANN401 -- any value
        place: Place,
        size: int,
        anchor: str | None,
    ) -> None:
        """Adds a complete value to the innermost container, or as a document."""
        self._check_size(size, place)
        if anchor:
            self._anchors[anchor] = _Anchored(data, size)
        self._values[self._next_steps()] = place

        top = self._top
        if top is None:
            self.documents.append(Document(self.file, data, self._values, self._keys))
            return
        top.size += size
        if isinstance(top.data, list):
            top.data.append(data)
        elif top.is_merge:
            self._add_merge(top, data, place)
        elif not top.is_dropped:
            top.data[str(top.key)] = data
        top.key = None

    def _check_size(self, size: int, place: Place) -> None:
        # The size of a container includes its parts, so the file grows by whole documents only.
        if not self._stack:
            self._size += size
        if max(size, self._size) > MOST_NODES:
            text = f"more than {MOST_NODES:,} values; aliases count as often as they are used"
            raise InvalidYaml(text, place)

    def _add_merge(self, top: _Container, data: object, place: Place) -> None:
        parts = data if isinstance(data, list) else [data]
        for part in parts:
            if isinstance(part, dict):
                top.merges.append((part, place))
            else:
                self._report("<< merges the keys of a mapping; this is not a mapping", place)
