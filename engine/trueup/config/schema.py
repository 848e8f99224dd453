"""A document and a JSON Schema in; findings with places out, and what is left without the faulty parts.

The same schema files serve editors. What is left is checked further, so that one run tells as much as it can.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError

from engine.config.complaints import Complaint, complaints
from engine.config.documents import Document, Steps
from engine.errors import ConfigError
from engine.model.finding import Finding, Place, Severity

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date", raises=ValueError)
def _is_day(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


def _type(validator: Any, types: Any, value: object, schema: Mapping[str, Any]) -> Iterator[ValidationError]:  # noqa: ANN401 -- jsonschema's own signature
    """The keyword `type`. A day without quotes may stand where a day in quotes may, or where it says `days`."""
    if isinstance(value, date):
        if schema.get("format") != "date" and not schema.get("days"):
            yield ValidationError(f"{value} is not of type {types!r}")
    else:
        yield from Draft202012Validator.VALIDATORS["type"](validator, types, value, schema)


Validator = validators.extend(Draft202012Validator, {"type": _type})  # type: ignore[no-untyped-call] # jsonschema's own


@dataclass(frozen=True, slots=True)
class Checked:
    """A document after its schema. `data` is None where nothing is left to look at."""

    document: Document
    data: Any
    findings: tuple[Finding, ...]
    holes: frozenset[Steps]  # what was taken away


class Schemas:
    """The JSON Schemas of a folder, read when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Any] = {}

    def check(self, document: Document, kind: str, *, quiet: Iterable[str] = ()) -> Checked:
        """Holds a document against `<kind>.schema.json`. Values below the `quiet` keys are never shown.

        Misspelt keys and words are taken for what they were likely meant to be, other faulty parts are taken
        away, until the rest is right. Raises ConfigError if the schema is not there.
        """
        validator, left = self._validator(kind), replace(document, data=_copy(document.data))
        findings: list[Finding] = []
        holes: frozenset[Steps] = frozenset()
        exchanged: set[Steps] = set()  # words, each once
        while against := _against(validator.iter_errors(left.data), frozenset(quiet), holes):
            findings += [_finding(complaint, left) for complaint in against if not _follows(complaint, holes)]
            for complaint in against:
                if complaint.instead and complaint.steps not in exchanged:
                    exchanged.add(complaint.steps)
                    _exchange(left, complaint)
                else:
                    left, hole = _mended(left, complaint)
                    holes |= hole
            if () in holes:
                return Checked(document, None, tuple(findings), holes)
        return Checked(left, left.data, tuple(findings), holes)

    def properties(self, kind: str, *path: str) -> frozenset[str]:
        """The names that a schema knows under `path` of its JSON."""
        at: Any = self._validator(kind).schema
        for step in path:
            at = at[step]
        return frozenset(at["properties"])

    def _validator(self, kind: str) -> Any:  # noqa: ANN401 -- a class made by jsonschema
        if kind not in self._known:
            file = f"{kind}.schema.json"
            try:
                schema = json.loads((self._folder / file).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                text = f"trueup's own schema cannot be read: {type(error).__name__}"
                found = Finding("schema", Severity.ERROR, text, "install trueup again", Place(file))
                raise ConfigError([found]) from None
            self._known[kind] = Validator(schema, format_checker=FORMATS)
        return self._known[kind]


def inside(steps: Steps, holes: frozenset[Steps]) -> bool:
    """Is it in a part that was taken away?"""
    return any(steps[:length] in holes for length in range(1, len(steps) + 1))


def _against(errors: Iterable[ValidationError], quiet: frozenset[str], holes: frozenset[Steps]) -> list[Complaint]:
    """What is wrong, but for that which is only a consequence of what was taken away."""
    said = complaints(list(errors), quiet)
    return [complaint for complaint in said if not inside(complaint.steps, holes)]


def _follows(complaint: Complaint, holes: frozenset[Steps]) -> bool:
    """Is it only a consequence of what was taken away?"""
    return complaint.lacks and any(hole[:-1] == complaint.steps for hole in holes if hole)


def _exchange(document: Document, complaint: Complaint) -> None:
    """Another word in the place of one that may not stand there."""
    parent = _parent(document, complaint.steps)
    if _has(parent, complaint.steps[-1]):
        parent[complaint.steps[-1]] = complaint.instead


def _mended(document: Document, complaint: Complaint) -> tuple[Document, frozenset[Steps]]:
    """The document without the faulty part, and what was taken away; a misspelt key put right."""
    last = complaint.steps[-1] if complaint.steps else None
    parent = _parent(document, complaint.steps)
    if isinstance(parent, dict) and complaint.meant and complaint.meant not in parent:
        parent[complaint.meant] = parent.pop(last)
        return _moved(document, complaint.steps, complaint.meant), frozenset()
    if isinstance(parent, dict):
        parent.pop(last, None)
    elif isinstance(parent, list) and isinstance(last, int):
        parent[last] = None  # those after it stay put
    return document, frozenset({complaint.steps})


def _parent(document: Document, steps: Steps) -> Any:  # noqa: ANN401 -- any YAML
    """What holds the last step; none where that was taken away."""
    parent = document.data
    for step in steps[:-1]:
        if not _has(parent, step):
            return None
        parent = parent[step]
    return parent


def _has(parent: object, step: str | int) -> bool:
    return isinstance(parent, list) or (isinstance(parent, dict) and step in parent)


def _moved(document: Document, wrong: Steps, right: str) -> Document:
    """The places of what stands under a misspelt key, under the right one."""
    length = len(wrong)

    def moved(places: Mapping[Steps, Place]) -> Mapping[Steps, Place]:
        return {
            (*steps[: length - 1], right, *steps[length:]) if steps[:length] == wrong else steps: place
            for steps, place in places.items()
        }

    return replace(document, values=moved(document.values), keys=moved(document.keys))


def _finding(complaint: Complaint, document: Document) -> Finding:
    find = document.key_place if complaint.of_key else document.place
    return Finding("schema", Severity.ERROR, complaint.text, complaint.remedy, find(*complaint.steps))


def _copy(data: Any) -> Any:  # noqa: ANN401 -- any YAML
    """A copy in which aliases share nothing, so that what is mended in one place stays as it is in another."""
    if isinstance(data, dict):
        return {key: _copy(value) for key, value in data.items()}
    return [_copy(value) for value in data] if isinstance(data, list) else data
