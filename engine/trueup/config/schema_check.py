"""The check of a document against a JSON Schema. Only this needs jsonschema, which loads slowly."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError
from msgspec.structs import replace
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource

from trueup.config.checked_document import CheckedDocument, is_within
from trueup.config.days import parse_day
from trueup.config.documents import Document, Steps
from trueup.config.error_limit import MOST_ERRORS, too_many
from trueup.config.schema_errors import SchemaError, schema_errors
from trueup.model.finding import Finding, Severity

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date")
def _is_day(value: object) -> bool:
    return not isinstance(value, str) or parse_day(value) is not None


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


def validator(schema: Mapping[str, Any], read: Callable[[str], Any]) -> Any:  # noqa: ANN401 -- a class made by jsonschema
    """Returns a validator of documents; `read` returns another schema of the folder by its file."""

    def beside(uri: str) -> Resource[Any]:
        if "/" in uri or not uri.endswith(".schema.json"):
            raise NoSuchResource(uri)
        return Resource.from_contents(read(uri))

    registry = Registry(retrieve=beside)  # type: ignore[call-arg] # attrs' alias
    return Validator(schema, format_checker=FORMATS, registry=registry)


def check(
    document: Document,
    validator: Any,  # noqa: ANN401 -- as above
    secret_keys: frozenset[str],
) -> CheckedDocument:
    """Checks a document, as `Schemas.check` describes it."""
    left = replace(document, data=_copy(document.data))
    findings: list[Finding] = []
    removed: frozenset[Steps] = frozenset()
    replaced: set[Steps] = set()  # a word is replaced once: the new one may be wrong as well

    while errors := _errors(validator.iter_errors(left.data), secret_keys, removed):
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
