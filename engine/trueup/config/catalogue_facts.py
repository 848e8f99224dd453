"""The facts that entries of a catalogue may state, and what each of them may be.

Raises `InvalidEntry` with the way to what is wrong, or `InvalidEntries` with several of them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from trueup.model.coerce import shown
from trueup.model.suggestions import hint, nearest


class InvalidEntry(Exception):
    """A part of a catalogue is not valid. `steps` lead to it; `remedy` says what to write."""

    def __init__(self, text: str, remedy: str, *steps: str) -> None:
        super().__init__(text)
        self.text, self.remedy, self.steps = text, remedy, steps


class InvalidEntries(Exception):
    """Several parts of one entry are not valid."""

    def __init__(self, faults: list[InvalidEntry]) -> None:
        super().__init__(*faults)
        self.faults = faults


class Collected:
    """Adds what is wrong in the block to a list, so that more can be checked.

    Each field that is read at a start needs a few of these blocks: a context manager that is made
    of a generator would make that reading more than twice as slow.
    """

    __slots__ = ("_faults",)

    def __init__(self, faults: list[InvalidEntry]) -> None:
        self._faults = faults

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None:
            return False
        if isinstance(error, InvalidEntry):
            self._faults.append(error)
        elif isinstance(error, InvalidEntries):
            self._faults += error.faults
        return isinstance(error, InvalidEntry | InvalidEntries)


def require_no(faults: list[InvalidEntry]) -> None:
    """Raises `InvalidEntries` if there are any."""
    if faults:
        raise InvalidEntries(faults)


class _Kind(Struct, frozen=True):
    """The values that a fact may have. `null` is always one: the fact then is unknown.

    A boolean is neither a number nor a text. Without quotes, `no` and `on` are booleans.
    """

    types: tuple[type, ...]
    what: str
    remedy: str
    only: tuple[str, ...] = ()
    """The texts that it may be; any if there are none."""

    least: int | None = None
    """The smallest number that it may be; any if there is none."""

    def has(self, value: Any) -> bool:  # noqa: ANN401 -- YAML
        """Returns whether a fact of this kind may have that value."""
        is_one = type(value) in self.types and (not self.only or value in self.only)
        return is_one and (self.least is None or value >= self.least)


def _one_of(*texts: str) -> _Kind:
    listed = " or ".join(f'"{text}"' for text in texts)
    return _Kind((str,), listed, f"write {listed}, with the quotes", texts)


_FLAG = _Kind((bool,), "true or false", "write true or false")
_TEXT = _Kind((str,), "a text", "write it between quotes")
_NAME = _Kind((str, int), "a text", "write it between quotes")
_LENGTH = _Kind((int,), "a whole number above 0", "write a whole number, without quotes", least=1)
_LIST = _Kind((list,), "a list", "write it as `[…, …]`")
_MAP = _Kind((dict,), "names and values", "write it as `{name: value}`")

Facts = Mapping[str, _Kind | None]
"""Facts by name, with their kinds; None: it is checked where it is read."""

_FLAGS = ("required", "readonly", "settableOnCreate", "queryable", "day")
ENTITY_FACTS: Facts = {
    **dict.fromkeys(("operations", "fields", "parent")),
    "writesVia": _one_of("root", "parent", "root or parent", "none"),
    "userDefinedFields": _one_of("yes", "no", "uncertain"),
    "role": _one_of("customer", "service", "contract"),
    "routes": _MAP,
    "rules": _LIST,
    "note": _TEXT,
}
PARENT_FACTS: Facts = dict.fromkeys(("entity", "path", "key"), _TEXT)
FIELD_FACTS: Facts = {
    **dict.fromkeys(("type", "picklistValues", "referenceIs")),
    **dict.fromkeys((*_FLAGS, "picklist", "picklistPartial"), _FLAG),
    **dict.fromkeys(("reference", "requiredIf", "note"), _TEXT),
    "maxLength": _LENGTH,
    "since": _NAME,
}
TABLE_FACTS: Facts = {
    **dict.fromkeys(("columns",)),
    **dict.fromkeys(("key", "title", "logical", "entity_set", "label"), _NAME),
    "assumed": _FLAG,
    "note": _TEXT,
}
COLUMN_FACTS: Facts = {
    **dict.fromkeys(("type", "choices")),
    **dict.fromkeys(("logical", "label", "table"), _NAME),
    **dict.fromkeys(("required", "assumed"), _FLAG),
    "note": _TEXT,
}


def mapping(data: object, remedy: str, *steps: str) -> Mapping[Any, Any]:
    """Returns the names and values of an entry. Raises `InvalidEntry` if it is anything else."""
    if not isinstance(data, dict):
        raise InvalidEntry("names and values were expected", remedy, *steps)
    return data


def wrong_facts(described: Mapping[Any, Any], facts: Facts, *steps: str) -> Iterator[InvalidEntry]:
    """Yields an error for each fact of an entry that is not known, or not of its kind."""
    for fact, value in described.items():
        if fact not in facts:
            text = f"{shown(fact)} is not known here"
            remedy = hint(str(fact), facts) or f"known: {', '.join(facts)}"
            yield InvalidEntry(text, remedy, *steps, str(fact))
            continue
        kind = facts[fact]
        if kind and value is not None and not kind.has(value):
            text = f"{shown(value)} is not {kind.what}"
            yield InvalidEntry(text, kind.remedy, *steps, fact)


def labels_of(data: object, what: str, remedy: str, *steps: str) -> Mapping[Any, str]:
    """Returns texts by what they belong to. `what` is one of them, in messages.

    Raises `InvalidEntry` for anything but a mapping, and `InvalidEntries` for its wrong entries.
    """
    labels = mapping({} if data is None else data, remedy, *steps)
    faults: list[InvalidEntry] = []
    for value, label in labels.items():
        if type(value) not in (int, str):
            text = f"{shown(value)} is neither a number nor a text"
            faults.append(InvalidEntry(text, remedy, *steps))
        if not isinstance(label, str):
            text = f"{what} {value} is {shown(label)}, which is not a text"
            faults.append(InvalidEntry(text, "write it between quotes", *steps))
    require_no(faults)
    return labels


def require_numbers(entries: Mapping[Any, str], *steps: str) -> None:
    """Raises `InvalidEntries` for entries of a picklist that belong to no whole number."""
    texts = (
        f"{shown(value)} is not a whole number, as the values of the field are"
        for value in entries
        if not re.fullmatch("-?[0-9]+", str(value))
    )
    require_no([InvalidEntry(text, "write `{1: Active}`", *steps) for text in texts])


def text_of(described: Mapping[str, Any], fact: str, default: str) -> str:
    """Returns a fact as text, or the default if it is not stated or null."""
    value = described.get(fact)
    return default if value is None else str(value)


def required(
    described: Mapping[str, Any],
    facts: Facts,
    key: str,
    remedy: str,
    *steps: str,
) -> Any:  # noqa: ANN401 -- YAML
    """Returns a fact that an entry must state. `facts` are all that it may state.

    Raises `InvalidEntries` without a fault if its name is misspelt: `wrong_facts` reports that.
    """
    if described.get(key) is not None:
        return described[key]
    if any(nearest(str(fact), facts) == key for fact in described if fact not in facts):
        raise InvalidEntries([])
    raise InvalidEntry(f"`{key}` is missing", remedy, *steps)
