"""The errors of a JSON Schema validator as short messages with a remedy.

`schema_errors` takes what `jsonschema` reports and returns a `SchemaError` for each: which part is
wrong, a text, a remedy, and what was likely meant. `schema.py` turns these into findings.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError
from msgspec import Struct

from trueup.config.documents import Steps
from trueup.model.suggestions import hint, nearest

_SOME_TEXT = r"\S"
"""The pattern of text that must not be empty or blank."""

_LONGEST = 60
"""Characters of a text that a message shows."""


class SchemaError(Struct, frozen=True):
    """One thing that is wrong with a value, or with a key."""

    steps: Steps
    """The steps to the value, or to the key that is at fault."""

    text: str
    remedy: str = ""
    of_key: bool = False
    """The key is at fault, not its value."""

    meant: str = ""
    """The key that was likely meant by an unknown one."""

    is_lack: bool = False
    """Something is missing in the value."""

    replacement: str = ""
    """The word that was likely meant, or that may replace the wrong one for the further checks."""


class _RawError(Struct, frozen=True):
    """The parts of a `ValidationError` that are used here."""

    steps: Steps
    keyword: str
    expected: Any
    """The value of the keyword in the schema."""

    value: Any
    schema: Mapping[str, Any]
    hidden: bool
    """The value may be a secret and is never shown."""

    @property
    def known_keys(self) -> tuple[str, ...]:
        """Returns the keys that the schema allows in the value."""
        return tuple(self.schema.get("properties", ()))

    @property
    def is_blank(self) -> bool:
        """Returns whether it is text of which nothing can be seen, where some must be."""
        return self.keyword == "pattern" and self.expected == _SOME_TEXT

    @property
    def shown(self) -> str:
        """Returns the value as a message may show it."""
        return "this value" if self.hidden else shown(self.value)


def schema_errors(
    errors: list[ValidationError], secret_keys: frozenset[str], most: int
) -> list[SchemaError]:
    """Returns the errors in the order given, `most` at most.

    Values below one of `secret_keys` are never shown.
    """
    raw_errors = [(_raw(error, secret_keys), error) for error in errors]
    misspelt = {
        raw.steps
        for raw, _ in raw_errors
        for key in _unknown_keys(raw)[:most]
        if nearest(key, raw.known_keys)
    }
    translated = (
        schema_error
        for raw, error in raw_errors
        for schema_error in _translate(raw, error, misspelt)
    )
    return [*islice(translated, most)]


def _translate(
    raw: _RawError, error: ValidationError, misspelt: set[Steps]
) -> Iterator[SchemaError]:
    """Yields the messages for one error.

    `misspelt` are the steps to values with a misspelt key. What such a key leaves missing or
    misplaced is not reported again.
    """
    steps = raw.steps
    if raw.keyword == "additionalProperties":
        yield from (_unknown_key(raw, key) for key in _unknown_keys(raw))
    elif raw.keyword == "required":
        name = next(name for name in raw.expected if error.message.startswith(repr(name)))
        if steps not in misspelt:
            yield SchemaError(steps, f"{name!r} is missing", is_lack=True)
    elif "propertyNames" in error.relative_schema_path:
        yield _wrong_name(raw)
    elif raw.keyword == "not" and steps[:-1] not in misspelt:
        yield SchemaError(steps, _text(raw), of_key=True)
    elif raw.keyword != "not":
        yield SchemaError(
            steps,
            _text(raw),
            _remedy(raw),
            is_lack=raw.keyword.startswith("min") or raw.is_blank,
            replacement=_meant_word(raw) or _stand_in(raw),
        )


def _raw(error: ValidationError, secret_keys: frozenset[str]) -> _RawError:
    steps = tuple(error.absolute_path)
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    keyword = str(error.validator)
    hidden = bool(secret_keys.intersection(steps)) and steps[-1] != "connector"
    return _RawError(steps, keyword, error.validator_value, error.instance, schema, hidden)


def _unknown_keys(raw: _RawError) -> list[str]:
    if raw.keyword != "additionalProperties":
        return []
    return [key for key in raw.value if key not in raw.known_keys]


def _unknown_key(raw: _RawError, key: str) -> SchemaError:
    steps, meant = (*raw.steps, key), nearest(key, raw.known_keys) or ""
    text, remedy = f"unknown key {key!r}", hint(key, raw.known_keys)

    # A key that stands there already cannot have been meant by the unknown one.
    is_free = meant not in raw.value
    return SchemaError(steps, text, remedy, of_key=True, meant=meant if is_free else "")


def _wrong_name(raw: _RawError) -> SchemaError:
    """Returns the error for a key of the wrong form; small letters without blanks may be right."""
    name = raw.value.strip().lower()
    meant = name if raw.keyword == "pattern" and re.search(raw.expected, name) else ""
    remedy = f"did you mean {meant!r}?" if meant else ""
    return SchemaError((*raw.steps, raw.value), _text(raw), remedy, of_key=True, meant=meant)


def shown(value: object) -> str:
    """Returns a value for a message: text in quotes and cut, containers by their kind."""
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else value[:_LONGEST] + "…")
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else str(value)


def _type_text(raw: _RawError) -> str:
    if text := raw.schema.get("typeErrorMessage"):
        return str(text)
    types = [raw.expected] if isinstance(raw.expected, str) else raw.expected
    return f"{raw.shown} is not {' or '.join(_KINDS.get(type_, type_) for type_ in types)}"


def _repeated(items: list[object]) -> object:
    """Returns the first item of a list that stands in it before."""
    return next(item for position, item in enumerate(items) if item in items[:position])


def _dependent_text(raw: _RawError) -> str:
    """Returns which key needs which other ones: `expected` has these by the key."""
    key, needed = next(
        (key, [name for name in names if name not in raw.value])
        for key, names in raw.expected.items()
        if key in raw.value and not raw.value.keys() >= {*names}
    )
    return f"{key!r} needs {' and '.join(map(repr, needed))}, which is missing"


_KINDS = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "a mapping (`key: value`)",
    "null": "nothing",
}

_TEXTS: dict[str, Callable[[_RawError], str]] = {
    "type": _type_text,
    "not": lambda raw: str(raw.schema.get("errorMessage", "is not allowed here")),
    "enum": lambda raw: f"{raw.shown} is not one of {', '.join(map(str, raw.expected))}",
    "pattern": lambda raw: (
        f"{raw.shown}: {raw.schema.get('patternErrorMessage', 'has the wrong format')}"
    ),
    "format": lambda raw: f"{raw.shown} is not a day such as 2026-11-01",
    "minProperties": lambda _: "must not be empty",
    "const": lambda raw: f"{raw.shown} is not {raw.expected}",
    "minItems": lambda raw: f"needs {raw.expected} entries" if raw.value else "must not be empty",
    "maxItems": lambda raw: f"only {raw.expected} entries are allowed",
    "uniqueItems": lambda raw: f"{shown(_repeated(raw.value))} is in the list twice",
    "dependentRequired": _dependent_text,
    "maxProperties": lambda raw: f"only {raw.expected} entry is allowed",
    "lastYear": lambda raw: f"{raw.shown} is after the year {raw.expected}",
    "minimum": lambda raw: f"{raw.shown} is less than {raw.expected}",
    "maximum": lambda raw: f"{raw.shown} is more than {raw.expected}",
}
"""The text for each keyword of JSON Schema that the schemas use."""


def _text(raw: _RawError) -> str:
    if raw.is_blank:
        return "must not be empty"
    make = _TEXTS.get(raw.keyword)
    return make(raw) if make else f"{raw.shown} is not valid ({raw.keyword})"


def _remedy(raw: _RawError) -> str:
    """Returns the remedy, if the text alone does not show it."""
    if raw.hidden:
        return ""
    if raw.keyword in _WORD_KEYWORDS and isinstance(raw.value, str):
        meant = _meant_word(raw)
        return f"did you mean {meant!r}?" if meant else ""
    if raw.keyword != "type":
        return ""
    if "string" in raw.expected and isinstance(raw.value, int | Decimal | date):
        return "put it in quotes"
    return _TYPE_REMEDIES.get(str(raw.expected), "") if isinstance(raw.value, str) else ""


_WORD_KEYWORDS = {"enum", "pattern"}
"""Keywords that allow some words only."""

_TYPE_REMEDIES = {
    "boolean": "write true or false, without quotes",
    "array": "write a list: [one, two]",
}


def _meant_word(raw: _RawError) -> str:
    """Returns the allowed word that was most likely meant, or an empty text."""
    if raw.keyword not in _WORD_KEYWORDS or not isinstance(raw.value, str):
        return ""
    words = raw.expected if raw.keyword == "enum" else raw.schema.get("examples", ())
    return nearest(raw.value, map(str, words)) or ""


def _stand_in(raw: _RawError) -> str:
    """Returns the word that the schema names, in `takenAs`, for checking the rest anyway.

    Schemas name one where the choice of the word does not change what else is checked.
    """
    return str(raw.schema.get("takenAs", ""))
