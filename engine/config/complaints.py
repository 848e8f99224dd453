"""What JSON Schema says against a value in; short words for it out, with a remedy."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from jsonschema.exceptions import ValidationError

from engine.config.documents import Steps
from engine.config.near import hint, nearest

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing against a value. `steps` lead to it, or to the key that is at fault."""

    steps: Steps
    text: str
    remedy: str = ""
    of_key: bool = False  # the key is at fault, not its value
    meant: str = ""  # what an unknown key was likely meant to be
    lacks: bool = False  # there is too little in it
    instead: str = ""  # the word that was likely meant, or may stand in its place while the rest is looked at


@dataclass(frozen=True, slots=True)
class _Error:
    """As much of jsonschema's error as is used."""

    steps: Steps
    keyword: str
    wanted: Any
    value: Any
    schema: Mapping[str, Any]
    hidden: bool

    @property
    def known(self) -> tuple[str, ...]:
        """The keys that may stand there."""
        return tuple(self.schema.get("properties", ()))

    @property
    def shown(self) -> str:
        """The value, as a message may show it."""
        return "this value" if self.hidden else shown(self.value)


def complaints(errors: list[ValidationError], quiet: frozenset[str]) -> list[Complaint]:
    """In the order given. Values below the `quiet` keys are never shown."""
    plain = [(_plain(error, quiet), error) for error in errors]
    misspelt = {error.steps for error, _ in plain for key in _extra(error) if nearest(key, error.known)}
    return [complaint for error, raw in plain for complaint in _about(error, raw, misspelt)]


def _about(error: _Error, raw: ValidationError, misspelt: set[Steps]) -> Iterator[Complaint]:
    """One error's complaints. What a misspelt key leaves missing or out of place is not said a second time."""
    steps = error.steps
    if error.keyword == "additionalProperties":
        yield from (_unknown_key(error, key) for key in _extra(error))
    elif error.keyword == "required":
        name = next(name for name in error.wanted if raw.message.startswith(repr(name)))
        if steps not in misspelt:
            yield Complaint(steps, f"{name!r} is missing", lacks=True)
    elif "propertyNames" in raw.relative_schema_path:
        named = (*steps, error.value)
        yield Complaint(named, _text(error), of_key=True)
    elif error.keyword == "not" and steps[:-1] not in misspelt:
        yield Complaint(steps, _text(error), of_key=True)
    elif error.keyword != "not":
        lacks = error.keyword.startswith("min")
        yield Complaint(steps, _text(error), _remedy(error), lacks=lacks, instead=_word(error) or _stand_in(error))


def _plain(error: ValidationError, quiet: frozenset[str]) -> _Error:
    steps = tuple(error.absolute_path)
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    keyword = str(error.validator)
    hidden = bool(quiet.intersection(steps)) and steps[-1] != "connector"
    return _Error(steps, keyword, error.validator_value, error.instance, schema, hidden)


def _extra(error: _Error) -> list[str]:
    if error.keyword != "additionalProperties":
        return []
    return [key for key in error.value if key not in error.known]


def _unknown_key(error: _Error, key: str) -> Complaint:
    steps, meant = (*error.steps, key), nearest(key, error.known) or ""
    free = meant not in error.value  # the right key is not there as well
    remedy = hint(key, error.known)
    return Complaint(steps, f"unknown key {key!r}", remedy, of_key=True, meant=meant if free else "")


def shown(value: object) -> str:
    """A value in a message: text in quotes and not too long, containers by their kind."""
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else value[:_LONGEST] + "…")
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else str(value)


def _type(error: _Error) -> str:
    types = [error.wanted] if isinstance(error.wanted, str) else error.wanted
    return f"{error.shown} is not {' or '.join(_KINDS.get(type_, type_) for type_ in types)}"


_KINDS = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "a mapping (`key: value`)",
    "null": "nothing",
}


_TEXTS: dict[str, Callable[[_Error], str]] = {
    "type": _type,
    "not": lambda error: str(error.schema.get("errorMessage", "must not stand here")),
    "enum": lambda error: f"{error.shown} is none of {', '.join(map(str, error.wanted))}",
    "pattern": lambda error: f"{error.shown}: {error.schema.get('patternErrorMessage', 'not written as it must be')}",
    "format": lambda error: f"{error.shown} is no day, such as 2026-11-01",
    "minProperties": lambda _: "must not be empty",
    "minItems": lambda _: "must not be empty",
    "minLength": lambda _: "must not be empty",
    "maxProperties": lambda error: f"only {error.wanted} may stand here",
    "minimum": lambda error: f"{error.shown} is less than {error.wanted}",
    "maximum": lambda error: f"{error.shown} is more than {error.wanted}",
}


def _text(error: _Error) -> str:
    make = _TEXTS.get(error.keyword)
    return make(error) if make else f"{error.shown} is not as it must be ({error.keyword})"


def _remedy(error: _Error) -> str:
    """What to do, where it is not plain from the text."""
    if error.hidden:
        return ""
    if error.keyword in _OF_WORDS and isinstance(error.value, str):
        meant = _word(error)
        return f"did you mean {meant!r}?" if meant else ""
    if error.keyword != "type":
        return ""
    if "string" in error.wanted and isinstance(error.value, int | Decimal | date):
        return "put it in quotes"
    return _INSTEAD.get(str(error.wanted), "") if isinstance(error.value, str) else ""


_OF_WORDS = {"enum", "pattern"}


def _word(error: _Error) -> str:
    """The word that was most likely meant, of those that may stand there."""
    words = error.wanted if error.keyword == "enum" else error.schema.get("examples", ())
    usable = error.keyword in _OF_WORDS and isinstance(error.value, str)
    return (nearest(error.value, map(str, words)) or "") if usable else ""


def _stand_in(error: _Error) -> str:
    """The word with which the rest is looked at all the same, where the schema names one: no word changes it."""
    return str(error.schema.get("takenAs", ""))


_INSTEAD = {"boolean": "write true or false, without quotes", "array": "write a list: [one, two]"}
