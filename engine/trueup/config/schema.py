"""The check of a document against its JSON Schema, the same schema that serves editors.

`Schemas.check` returns findings with places, and the document without its faulty parts. The rest
of the checks run on what is left, so that one run reports as many errors as possible.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource

from trueup.config.documents import Document, Steps
from trueup.config.error_limit import MOST_ERRORS, too_many
from trueup.config.schema_errors import SchemaError, schema_errors
from trueup.errors import ConfigError
from trueup.model.finding import Finding, Place, Severity

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date", raises=ValueError)
def _is_day(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


def _check_type(
    validator: Any,  # noqa: ANN401 -- jsonschema gives no types
    types: Any,  # noqa: ANN401 -- as above
    value: object,
    schema: Mapping[str, Any],
) -> Iterator[ValidationError]:
    """The keyword `type`, extended by days.

    A day without quotes is allowed where the schema has `format: date`, or our own `days: true`.
    """
    if isinstance(value, date):
        if schema.get("format") != "date" and not schema.get("days"):
            yield ValidationError(f"{value} is not of type {types!r}")
    else:
        yield from Draft202012Validator.VALIDATORS["type"](validator, types, value, schema)


def _check_last_year(
    _validator: Any,  # noqa: ANN401 -- as above
    last: int,
    value: object,
    _schema: Mapping[str, Any],
) -> Iterator[ValidationError]:
    """Our keyword `lastYear`, of a day that is reckoned with.

    The last day of the calendar has none after it.
    """
    year = str(value)[:4]
    if year.isdecimal() and int(year) > last:
        yield ValidationError(f"{value} is after the year {last}")


Validator = validators.extend(  # type: ignore[no-untyped-call] # jsonschema's own
    Draft202012Validator, {"type": _check_type, "lastYear": _check_last_year}
)


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A document after its schema check."""

    document: Document
    data: Any
    """What is left of the data; None if nothing is."""

    findings: tuple[Finding, ...]
    removed: frozenset[Steps]
    """The steps to the faulty parts that were removed."""


class Schemas:
    """The JSON Schemas of a folder. Each is read on first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._validators: dict[str, Any] = {}

    def check(
        self, document: Document, kind: str, *, secret_keys: Iterable[str] = ()
    ) -> CheckedDocument:
        """Checks a document against `<kind>.schema.json`.

        Misspelt keys and words are replaced by those that were likely meant. Other faulty parts are
        removed. This is repeated until what is left is valid. Values below one of `secret_keys` are
        never shown. Raises `ConfigError` if the schema cannot be read.
        """
        validator = self._validator(kind)
        left = replace(document, data=_copy(document.data))
        findings: list[Finding] = []
        removed: frozenset[Steps] = frozenset()
        replaced: set[Steps] = set()  # a word is replaced once: the new one may be wrong as well

        while errors := _errors(validator.iter_errors(left.data), frozenset(secret_keys), removed):
            if len(findings) + len(errors) > MOST_ERRORS:
                findings += [_finding(error, left) for error in errors]
                kept = [*findings[:MOST_ERRORS], too_many(document.place())]
                return CheckedDocument(document, None, tuple(kept), frozenset({()}))
            findings += [
                _finding(error, left) for error in errors if not _is_consequence(error, removed)
            ]
            for error in errors:
                if error.replacement and error.steps not in replaced:
                    replaced.add(error.steps)
                    _replace_word(left, error)
                else:
                    left, newly_removed = _repair(left, error)
                    removed |= newly_removed
            if () in removed:
                return CheckedDocument(document, None, tuple(findings), removed)
        return CheckedDocument(left, left.data, tuple(findings), removed)

    def properties(self, kind: str, *path: str) -> frozenset[str]:
        """Returns the names of the properties that a schema has under `path` of its JSON."""
        schema: Any = self._validator(kind).schema
        for step in path:
            schema = schema[step]
        return frozenset(schema["properties"])

    def _validator(self, kind: str) -> Any:  # noqa: ANN401 -- a class made by jsonschema
        if kind not in self._validators:
            schema = self._read(f"{kind}.schema.json")
            registry = Registry(retrieve=self._beside)  # type: ignore[call-arg] # attrs' alias
            self._validators[kind] = Validator(schema, format_checker=FORMATS, registry=registry)
        return self._validators[kind]

    def _beside(self, uri: str) -> Resource[Any]:
        """Returns the schema that another one refers to by its file name."""
        if "/" in uri or not uri.endswith(".schema.json"):
            raise NoSuchResource(uri)
        return Resource.from_contents(self._read(uri))

    def _read(self, file: str) -> Any:  # noqa: ANN401 -- a JSON Schema
        try:
            return json.loads((self._folder / file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            text = f"trueup's own schema cannot be read: {type(error).__name__}"
            finding = Finding("schema", Severity.ERROR, text, "reinstall trueup", Place(file))
            raise ConfigError([finding]) from None


def is_within(steps: Steps, removed: frozenset[Steps]) -> bool:
    """Returns whether the steps lead into a part that was removed."""
    return any(steps[:length] in removed for length in range(1, len(steps) + 1))


def _errors(
    errors: Iterable[ValidationError], secret_keys: frozenset[str], removed: frozenset[Steps]
) -> list[SchemaError]:
    """Returns the errors outside of what was removed, and not many more than are reported."""
    translated = schema_errors([*islice(errors, MOST_ERRORS + 1)], secret_keys, MOST_ERRORS + 1)
    return [error for error in translated if not is_within(error.steps, removed)]


def _is_consequence(error: SchemaError, removed: frozenset[Steps]) -> bool:
    """Returns whether something is missing only because a part of it was removed."""
    return error.is_lack and any(steps[:-1] == error.steps for steps in removed if steps)


def _replace_word(document: Document, error: SchemaError) -> None:
    """Puts the replacement of a wrong word into the data."""
    parent = _parent(document, error.steps)
    if _has(parent, error.steps[-1]):
        parent[error.steps[-1]] = error.replacement


def _repair(document: Document, error: SchemaError) -> tuple[Document, frozenset[Steps]]:
    """Renames a misspelt key or removes the faulty part.

    Returns the document and the steps to what was removed.
    """
    last = error.steps[-1] if error.steps else None
    parent = _parent(document, error.steps)
    if isinstance(parent, dict) and error.meant and error.meant not in parent:
        parent[error.meant] = parent.pop(last)
        return _with_moved_places(document, error.steps, error.meant), frozenset()

    if isinstance(parent, dict):
        parent.pop(last, None)
    elif isinstance(parent, list) and isinstance(last, int):
        parent[last] = None  # the items after it keep their index
    return document, frozenset({error.steps})


def _parent(document: Document, steps: Steps) -> Any:  # noqa: ANN401 -- any YAML
    """Returns the container of the last step, or None if that was removed."""
    parent = document.data
    for step in steps[:-1]:
        if not _has(parent, step):
            return None
        parent = parent[step]
    return parent


def _has(parent: object, step: str | int) -> bool:
    return isinstance(parent, list) or (isinstance(parent, dict) and step in parent)


def _with_moved_places(document: Document, wrong: Steps, right: str) -> Document:
    """Returns the document with the places below a misspelt key moved below the right key."""
    length = len(wrong)

    def moved(steps: Steps) -> Steps:
        if steps[:length] == wrong:
            return (*steps[: length - 1], right, *steps[length:])
        return steps

    return replace(
        document,
        values={moved(steps): place for steps, place in document.values.items()},
        keys={moved(steps): place for steps, place in document.keys.items()},
    )


def _finding(error: SchemaError, document: Document) -> Finding:
    find_place = document.key_place if error.of_key else document.place
    place = find_place(*error.steps)
    return Finding("schema", Severity.ERROR, error.text, error.remedy, place)


def _copy(data: Any) -> Any:  # noqa: ANN401 -- any YAML
    """Returns a deep copy. Values that YAML aliases share are copied too.

    A repair in one place must not change what another alias refers to.
    """
    if isinstance(data, dict):
        return {key: _copy(value) for key, value in data.items()}
    return [_copy(value) for value in data] if isinstance(data, list) else data
