"""What an environment says of one table: its set, its key, its columns with their kinds, choices, behaviours.

The routes: `EntityDefinitions(LogicalName='x')` with `$expand=Attributes`, and a cast of the attributes for
each kind that knows more than all share: choices, states, dates, references (work365.md, 6.8).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.errors import SourceError
from engine.source.dataverse.client import DataverseClient, Garbled
from engine.source.dataverse.faults import Refused

LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})
_CAST = "Microsoft.Dynamics.CRM."
_TABLE = (
    "LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,DisplayName,"
    "ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled"
)
_STATES = "?$select=LogicalName&$expand=OptionSet($select=Options)"
_CHOICES = f"{_STATES},GlobalOptionSet($select=Options)"
_CASTS = {
    "Picklist": ("PicklistAttributeMetadata", _CHOICES),
    "State": ("StateAttributeMetadata", _STATES),
    "Status": ("StatusAttributeMetadata", _STATES),
    "DateTime": ("DateTimeAttributeMetadata", "?$select=LogicalName,DateTimeBehavior"),
    "Lookup": ("LookupAttributeMetadata", "?$select=LogicalName,Targets"),
}
_ALSO = {"Customer": "Lookup", "Owner": "Lookup"}


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice. `state` is the statecode that a status reason belongs to."""

    value: int
    label: str
    labels: tuple[str, ...] = ()  # in all languages of the environment
    state: int | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column, as the environment has it."""

    logical: str
    kind: str  # Dataverse's AttributeType
    label: str = ""
    writable: bool = True
    behaviour: str = ""  # dates: UserLocal, DateOnly, TimeZoneIndependent
    options: tuple[Option, ...] = ()
    targets: tuple[str, ...] = ()  # references: to which tables

    @property
    def is_lookup(self) -> bool:
        """Does it come as `_…_value`?"""
        return self.kind in LOOKUPS

    @property
    def wire(self) -> str:
        """The name that it has in rows."""
        return f"_{self.logical}_value" if self.is_lookup else self.logical


@dataclass(frozen=True, slots=True)
class Definition:
    """One table, as the environment has it."""

    logical: str
    entity_set: str
    key: str
    name: str  # its primary name column; may be empty
    label: str = ""
    tracked: bool = False
    concurrent: bool = False  # optimistic concurrency
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def as_json(self) -> str:
        """For the cache."""
        return json.dumps(asdict(self), sort_keys=True)


def from_json(text: str) -> Definition:
    """What `as_json` wrote."""
    said = json.loads(text)
    attributes = {
        name: Attribute(
            **{
                **each,
                "options": tuple(Option(**{**option, "labels": tuple(option["labels"])}) for option in each["options"]),
                "targets": tuple(each["targets"]),
            }
        )
        for name, each in said["attributes"].items()
    }
    return Definition(**{**said, "attributes": attributes})


def definitions(client: DataverseClient) -> list[Definition]:
    """All tables, without their columns. Raises SourceError."""
    path = f"EntityDefinitions?$select={_TABLE}"
    return [_definition(each, {}) for each in client.get(path, "reading the list of tables", _values)]


def definition(client: DataverseClient, logical: str) -> Definition:
    """One table with its columns. Raises SourceError."""
    what = f"reading the definition of {logical}"
    base = f"EntityDefinitions(LogicalName='{_safe(logical)}')"
    common = "LogicalName,AttributeType,DisplayName,IsValidForUpdate"
    try:
        said = client.get(f"{base}?$select={_TABLE}&$expand=Attributes($select={common})", what, document)
    except Refused as refused:
        if refused.status == 404:  # noqa: PLR2004 -- an HTTP status is its own name
            raise SourceError(f"{client.name} has no table `{logical}`; `trueup discover` finds its name") from None
        raise
    found = {str(each.get("LogicalName")): each for each in dicts(said.get("Attributes"))}
    kinds = {_ALSO.get(str(each.get("AttributeType")), str(each.get("AttributeType"))) for each in found.values()}
    for kind in sorted(kinds & _CASTS.keys()):
        cast, query = _CASTS[kind]
        for each in client.get(f"{base}/Attributes/{_CAST}{cast}{query}", what, _values):
            found.setdefault(str(each.get("LogicalName")), {}).update(each)
    return _definition(said, {name: _attribute(name, each) for name, each in sorted(found.items())})


def _definition(said: Mapping[str, Any], attributes: Mapping[str, Attribute]) -> Definition:
    concurrent = said.get("IsOptimisticConcurrencyEnabled")
    return Definition(
        logical=str(said.get("LogicalName") or ""),
        entity_set=str(said.get("EntitySetName") or ""),
        key=str(said.get("PrimaryIdAttribute") or ""),
        name=str(said.get("PrimaryNameAttribute") or ""),
        label=_label(said.get("DisplayName")),
        tracked=said.get("ChangeTrackingEnabled") is True,
        concurrent=concurrent is True,
        attributes=attributes,
    )


def _attribute(name: str, said: Mapping[str, Any]) -> Attribute:
    behaviour = said.get("DateTimeBehavior")
    options = said.get("OptionSet") or said.get("GlobalOptionSet")
    targets = said.get("Targets")
    return Attribute(
        logical=name,
        kind=str(said.get("AttributeType") or ""),
        label=_label(said.get("DisplayName")),
        writable=said.get("IsValidForUpdate") is not False,
        behaviour=str(behaviour.get("Value") or "") if isinstance(behaviour, dict) else "",
        options=tuple(_options(options.get("Options") if isinstance(options, dict) else None)),
        targets=tuple(str(each) for each in targets) if isinstance(targets, list) else (),
    )


def _options(said: object) -> Iterator[Option]:
    for each in dicts(said):
        value, state = each.get("Value"), each.get("State")
        labels = _labels(each.get("Label"))
        if isinstance(value, int):
            yield Option(value, (labels or ("",))[0], labels, state if isinstance(state, int) else None)


def _label(said: object) -> str:
    """The text in the user's language, else in any."""
    return (_labels(said) or ("",))[0]


def _labels(said: object) -> tuple[str, ...]:
    """The texts in all languages, the user's first."""
    if not isinstance(said, dict):
        return ()
    all_of_them = dicts([said.get("UserLocalizedLabel"), *dicts(said.get("LocalizedLabels"))])
    return tuple(dict.fromkeys(str(each["Label"]) for each in all_of_them if each.get("Label")))


def document(body: bytes) -> Mapping[str, Any]:
    """The JSON object that an answer is. Raises Garbled."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Garbled("the answer is not JSON") from None
    if not isinstance(said, dict):
        raise Garbled("the answer is not a JSON object")
    return said


def _values(body: bytes) -> Sequence[Mapping[str, Any]]:
    said = document(body).get("value")
    if not isinstance(said, list):
        raise Garbled("the answer has no list of values")
    return dicts(said)


def dicts(said: object) -> list[dict[str, Any]]:
    """The objects of a list; nothing where it is none."""
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


def _safe(logical: str) -> str:
    """Logical names are letters, digits and underscores; anything else has no business in an address."""
    if not logical.replace("_", "").isalnum():
        raise SourceError(f"`{logical}` cannot be the name of a Dataverse table")
    return logical
