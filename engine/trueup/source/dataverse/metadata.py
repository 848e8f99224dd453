"""The definition of one table in an environment: its set, its key, and its columns.

A column has a kind, and by its kind choices, a date behaviour or the tables that it refers to.
The route is `EntityDefinitions(LogicalName='x')` with `$expand=Attributes`. Each kind that has more
than the common properties needs a second request, a cast of the attributes to that kind
(docs/explanation/work365.md, section 6.8).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from msgspec import Struct, to_builtins

from trueup.errors import SourceError
from trueup.source.dataverse.client import DataverseClient
from trueup.source.dataverse.errors import DataverseRefused, MalformedBody

LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})

_CAST = "Microsoft.Dynamics.CRM."
_TABLE_PROPERTIES = (
    "LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,DisplayName,"
    "ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled"
)
_COMMON_PROPERTIES = "LogicalName,AttributeType,DisplayName,IsValidForUpdate"
_STATES = "?$select=LogicalName&$expand=OptionSet($select=Options)"
_CHOICES = f"{_STATES},GlobalOptionSet($select=Options)"
_CASTS = {
    "Picklist": ("PicklistAttributeMetadata", _CHOICES),
    "State": ("StateAttributeMetadata", _STATES),
    "Status": ("StatusAttributeMetadata", _STATES),
    "DateTime": ("DateTimeAttributeMetadata", "?$select=LogicalName,DateTimeBehavior"),
    "Lookup": ("LookupAttributeMetadata", "?$select=LogicalName,Targets"),
}
"""The cast of each kind, and the properties that it adds."""
_WITH_PRECISION = frozenset({"Decimal", "Double", "Money"})
_CAST_AS = {"Customer": "Lookup", "Owner": "Lookup"}
"""Kinds whose properties come with the cast of another kind."""


class ChoiceOption(Struct, frozen=True):
    """One value of a choice. `state` is the statecode that a status reason belongs to."""

    value: int
    label: str
    labels: tuple[str, ...] = ()  # in all languages of the environment
    state: int | None = None


class AttributeDefinition(Struct, frozen=True):
    """One column in the environment."""

    logical: str
    kind: str  # Dataverse's AttributeType
    label: str = ""
    writable: bool = True
    behaviour: str = ""  # dates: UserLocal, DateOnly, TimeZoneIndependent
    options: tuple[ChoiceOption, ...] = ()
    targets: tuple[str, ...] = ()  # references: the tables referred to

    @property
    def is_lookup(self) -> bool:
        """Whether its values come as `_…_value`."""
        return self.kind in LOOKUPS

    @property
    def wire(self) -> str:
        """Its name in rows."""
        return f"_{self.logical}_value" if self.is_lookup else self.logical


class TableDefinition(Struct, frozen=True):
    """One table in the environment."""

    logical: str
    entity_set: str
    key: str
    name: str  # its primary name column; may be empty
    label: str = ""
    tracked: bool = False  # change tracking is enabled
    concurrent: bool = False  # optimistic concurrency is enabled
    attributes: Mapping[str, AttributeDefinition] = {}

    def as_json(self) -> str:
        """Returns the definition as text for the cache."""
        return json.dumps(to_builtins(self), sort_keys=True)


def definition_from_json(text: str) -> TableDefinition:
    """Parses what `TableDefinition.as_json` returned."""
    document = json.loads(text)
    attributes = {
        name: AttributeDefinition(
            **{
                **attribute,
                "options": tuple(
                    ChoiceOption(**{**option, "labels": tuple(option["labels"])})
                    for option in attribute["options"]
                ),
                "targets": tuple(attribute["targets"]),
            }
        )
        for name, attribute in document["attributes"].items()
    }
    return TableDefinition(**{**document, "attributes": attributes})


def read_definitions(client: DataverseClient) -> list[TableDefinition]:
    """Returns all tables of the environment without their columns. Raises `SourceError`."""
    path = f"EntityDefinitions?$select={_TABLE_PROPERTIES}"
    tables = client.get(path, "reading the list of tables", _values)
    return [_table_definition(table, {}) for table in tables]


def read_definition(client: DataverseClient, logical: str) -> TableDefinition:
    """Returns one table with its columns. Raises `SourceError`."""
    what = f"reading the definition of {logical}"
    base = f"EntityDefinitions(LogicalName='{_checked_name(logical)}')"
    query = f"?$select={_TABLE_PROPERTIES}&$expand=Attributes($select={_COMMON_PROPERTIES})"
    try:
        table = client.get(base + query, what, json_object)
    except DataverseRefused as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            raise SourceError(
                f"{client.name} has no table `{logical}`; `trueup discover` finds its name"
            ) from None
        raise

    attributes = {
        str(attribute.get("LogicalName")): attribute
        for attribute in objects_of(table.get("Attributes"))
    }
    kinds = {str(attribute.get("AttributeType")) for attribute in attributes.values()}
    for kind in sorted({_CAST_AS.get(kind, kind) for kind in kinds} & _CASTS.keys()):
        cast, query = _CASTS[kind]
        for properties in client.get(f"{base}/Attributes/{_CAST}{cast}{query}", what, _values):
            attributes.setdefault(str(properties.get("LogicalName")), {}).update(properties)
    return _table_definition(
        table,
        {name: _attribute(name, properties) for name, properties in sorted(attributes.items())},
    )


def read_precision(
    client: DataverseClient, logical: str, attribute: AttributeDefinition
) -> int | None:
    """Returns the decimal places of a column; None if it has no precision. Raises `SourceError`.

    Of money it is that of the column, also where the currency's applies.
    """
    if attribute.kind not in _WITH_PRECISION:
        return None
    path = (
        f"EntityDefinitions(LogicalName='{_checked_name(logical)}')"
        f"/Attributes(LogicalName='{_checked_name(attribute.logical)}')"
        f"/{_CAST}{attribute.kind}AttributeMetadata?$select=LogicalName,Precision"
    )
    what = f"reading the precision of {logical}.{attribute.logical}"
    precision = client.get(path, what, json_object).get("Precision")
    return precision if isinstance(precision, int) else None


def json_object(body: bytes) -> Mapping[str, Any]:
    """Returns the JSON object of a body. Raises `MalformedBody`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedBody("the answer is not JSON") from None
    if not isinstance(document, dict):
        raise MalformedBody("the answer is not a JSON object")
    return document


def objects_of(value: object) -> list[dict[str, Any]]:
    """Returns the objects of a list; nothing if the value is not a list."""
    if not isinstance(value, list):
        return []
    return [element for element in value if isinstance(element, dict)]


def _values(body: bytes) -> Sequence[Mapping[str, Any]]:
    values = json_object(body).get("value")
    if not isinstance(values, list):
        raise MalformedBody("the answer has no list of values")
    return objects_of(values)


def _table_definition(
    table: Mapping[str, Any], attributes: Mapping[str, AttributeDefinition]
) -> TableDefinition:
    return TableDefinition(
        logical=str(table.get("LogicalName") or ""),
        entity_set=str(table.get("EntitySetName") or ""),
        key=str(table.get("PrimaryIdAttribute") or ""),
        name=str(table.get("PrimaryNameAttribute") or ""),
        label=_label(table.get("DisplayName")),
        tracked=table.get("ChangeTrackingEnabled") is True,
        concurrent=table.get("IsOptimisticConcurrencyEnabled") is True,
        attributes=attributes,
    )


def _attribute(name: str, properties: Mapping[str, Any]) -> AttributeDefinition:
    behaviour = properties.get("DateTimeBehavior")
    options = properties.get("OptionSet") or properties.get("GlobalOptionSet")
    targets = properties.get("Targets")
    return AttributeDefinition(
        logical=name,
        kind=str(properties.get("AttributeType") or ""),
        label=_label(properties.get("DisplayName")),
        writable=properties.get("IsValidForUpdate") is not False,
        behaviour=str(behaviour.get("Value") or "") if isinstance(behaviour, dict) else "",
        options=tuple(_options(options.get("Options") if isinstance(options, dict) else None)),
        targets=tuple(str(target) for target in targets) if isinstance(targets, list) else (),
    )


def _options(options: object) -> Iterator[ChoiceOption]:
    for option in objects_of(options):
        value, state = option.get("Value"), option.get("State")
        labels = _labels(option.get("Label"))
        if isinstance(value, int):
            state = state if isinstance(state, int) else None
            yield ChoiceOption(value, (labels or ("",))[0], labels, state)


def _label(label: object) -> str:
    """The text in the user's language, else in any language."""
    return (_labels(label) or ("",))[0]


def _labels(label: object) -> tuple[str, ...]:
    """The texts in all languages, the user's first."""
    if not isinstance(label, dict):
        return ()
    localized = objects_of(
        [label.get("UserLocalizedLabel"), *objects_of(label.get("LocalizedLabels"))]
    )
    return tuple(dict.fromkeys(str(text["Label"]) for text in localized if text.get("Label")))


def _checked_name(logical: str) -> str:
    """Logical names are letters, digits and underscores. Nothing else may go into an address."""
    if not logical.replace("_", "").isalnum():
        raise SourceError(f"`{logical}` cannot be the name of a Dataverse table")
    return logical
