"""PyYAML's events in, documents out: what `documents` does for a file, without recursion."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import yaml

from engine.model.finding import Finding, Place, Severity

MOST_NODES = 200_000  # in one file, aliases counted as often as they are used
DEEPEST = 40

Steps = tuple[str | int, ...]
"""The way to something inside a document: keys and indexes."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,29})")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,29})\.[0-9]{1,30}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document. `file` is relative to the project folder."""

    file: str
    data: Any
    values: Mapping[Steps, Place]
    keys: Mapping[Steps, Place]

    def place(self, *steps: str | int) -> Place:
        """Where that value begins, or the nearest thing around it."""
        while steps and steps not in self.values:
            steps = steps[:-1]
        return self.values.get(steps, Place(self.file))

    def key_place(self, *steps: str | int) -> Place:
        """Where the key of that value stands; for an item of a list, where the item begins."""
        return self.keys[steps] if steps in self.keys else self.place(*steps)


def fault(text: str, place: Place, remedy: str = "") -> Finding:
    """A finding about YAML itself."""
    return Finding("yaml", Severity.ERROR, text, remedy, place)


class Refused(Exception):
    """Reading ends here; `finding` says why."""

    def __init__(self, text: str, place: Place, remedy: str = "") -> None:
        super().__init__(text)
        self.finding = fault(text, place, remedy)


@dataclass(slots=True)
class _Open:
    """A list or mapping that has begun and not ended."""

    data: list[Any] | dict[str, Any]
    steps: Steps
    place: Place
    anchor: str | None
    size: int = 1
    key: str | None = None
    merging: bool = False  # the value to come is that of `<<`
    dropped: bool = False  # the value to come belongs to a key that was refused
    merges: list[tuple[dict[str, Any], Place]] = field(default_factory=list)

    @property
    def wants_key(self) -> bool:
        """Is a key to come next?"""
        return isinstance(self.data, dict) and self.key is None


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for; shared, never copied."""

    data: Any
    size: int


class Builder:
    """Takes one event after another; `documents` and `findings` hold what came of them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.documents: list[Document] = []
        self.findings: list[Finding] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None: still open
        self._values: dict[Steps, Place] = {}
        self._keys: dict[Steps, Place] = {}
        self._size = 0

    def take(self, event: Any) -> None:  # noqa: ANN401 -- PyYAML's events have no common type in its stubs
        """The next event. Raises Refused where reading must end."""
        place = Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case yaml.DocumentStartEvent():
                self._anchors, self._values, self._keys = {}, {}, {}
            case yaml.ScalarEvent():
                self._scalar(event, place)
            case yaml.AliasEvent():
                self._alias(str(event.anchor), place)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._open(event, place)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._close()
            case _:
                pass  # begin and end of the stream and of documents say nothing more

    @property
    def _top(self) -> _Open | None:
        return self._stack[-1] if self._stack else None

    def _say(self, text: str, place: Place, remedy: str = "") -> None:
        self.findings.append(fault(text, place, remedy))

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        text = str(event.value)
        self._tag(event.tag, place)
        if self._top and self._top.wants_key:
            self._key(self._top, text, place, plain=not event.style)
            if event.anchor:
                self._anchors[event.anchor] = _Anchored(text, 1)
            return
        plain = not event.style and event.tag is None
        self._finish(self._plain(text, place) if plain else text, place, 1, event.anchor)

    def _plain(self, text: str, place: Place) -> object:
        """What a word without quotes means."""
        if _NULL.fullmatch(text):
            return None
        if boolean := _BOOLEAN.fullmatch(text):
            return boolean[1] is not None
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return Decimal(text)
        if _DAY.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                self._say(f"there is no day {text}", place)
        return text

    def _tag(self, tag: str | None, place: Place) -> None:
        if tag is not None and tag not in _TEXT_TAGS:
            remedy = "write the value without a tag; quotes make it text"
            self._say(f"the tag {tag!r} is not allowed", place, remedy)

    def _key(self, top: _Open, key: str, place: Place, *, plain: bool) -> None:
        top.key, top.merging, top.dropped = key, plain and key == _MERGE, False
        if top.merging:
            return
        steps = (*top.steps, key)
        if steps in self._keys:
            first = self._keys[steps].line
            self._say(f"{key!r} is given twice; the first is in line {first}", place, "remove one of them")
            top.dropped = True
        else:
            self._keys[steps] = place

    def _alias(self, anchor: str, place: Place) -> None:
        found = self._anchors.get(anchor)
        if found is None:
            open_ = anchor in self._anchors
            raise Refused(f"*{anchor} stands inside itself" if open_ else f"there is no anchor &{anchor}", place)
        if self._top and self._top.wants_key:
            if not isinstance(found.data, str):
                raise Refused("a key must be text", place)
            self._key(self._top, found.data, place, plain=False)
            return
        self._finish(found.data, place, found.size, None)

    def _open(self, event: Any, place: Place) -> None:  # noqa: ANN401 -- as above
        self._tag(event.tag, place)
        if len(self._stack) >= DEEPEST:
            raise Refused(f"nested deeper than {DEEPEST} levels", place)
        if self._top and self._top.wants_key:
            braces = isinstance(event, yaml.MappingStartEvent) and event.flow_style
            remedy = 'put an expression in quotes: "{{ … }}"' if braces else ""
            raise Refused("a key must be text", place, remedy)
        if event.anchor:
            self._anchors[event.anchor] = None
        data: list[Any] | dict[str, Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Open(data, self._next(), place, event.anchor))

    def _next(self) -> Steps:
        """The way to the value that comes next."""
        top = self._top
        if top is None:
            return ()
        if isinstance(top.data, list):
            return (*top.steps, len(top.data))
        key = str(top.key)
        return (*top.steps, key, _MERGE) if top.merging or top.dropped else (*top.steps, key)

    def _close(self) -> None:
        done = self._stack.pop()
        for merged, place in done.merges:
            for key, value in merged.items():
                if isinstance(done.data, dict) and key not in done.data:
                    done.data[key] = value
                    self._values[*done.steps, key] = self._keys[*done.steps, key] = place
        self._finish(done.data, done.place, done.size, done.anchor)

    def _finish(self, data: Any, place: Place, size: int, anchor: str | None) -> None:  # noqa: ANN401 -- any value
        """A value is complete: it goes into what is open, or is a document."""
        self._count(size, place)
        if anchor:
            self._anchors[anchor] = _Anchored(data, size)
        self._values[self._next()] = place
        top = self._top
        if top is None:
            self.documents.append(Document(self.file, data, self._values, self._keys))
            return
        top.size += size
        if isinstance(top.data, list):
            top.data.append(data)
        elif top.merging:
            self._merge(top, data, place)
        elif not top.dropped:
            top.data[str(top.key)] = data
        top.key = None

    def _count(self, size: int, place: Place) -> None:
        """The size of a container holds that of its parts, so the file's own grows by whole documents."""
        if not self._stack:
            self._size += size
        if max(size, self._size) > MOST_NODES:
            raise Refused(f"more than {MOST_NODES:,} values, aliases counted as often as they are used", place)

    def _merge(self, top: _Open, data: object, place: Place) -> None:
        parts = data if isinstance(data, list) else [data]
        for part in parts:
            if isinstance(part, dict):
                top.merges.append((part, place))
            else:
                self._say("<< takes over the keys of a mapping; this is none", place)
