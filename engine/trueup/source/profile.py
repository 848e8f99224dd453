"""A tenant's names for the tables, columns and choices of the Work 365 catalogue.

The catalogue holds documented names and assumed ones. A profile is a YAML file that
`trueup discover` writes and people correct; it holds the names of one tenant. No other module knows
a tenant's names. `parse_profile` reads it, `Profile` is the result.

```yaml
tables:
  license_change:
    logical: work365_licensechangelog
    entity_set: work365_licensechangelogs
    write_back: "UPDATE change_log SET status = :status WHERE id = :key"     # SQL sources only
    columns:
      status: {logical: statuscode, choices: {126340000: Active, 126340001: Archived}}
      unit: {logical: work365_lcl_salesunit, labels: {Per User: Monthly, Each: Monthly}}
      currency: {logical: transactioncurrencyid, shows: isocurrencycode}
      psa_system_id: {logical: work365_lcl_psasystem_id, holds: ContractServices}
```

- `choices`: this tenant's number of a choice → the catalogue's label.
- `labels`: a display text of this tenant → the catalogue's label.
- `shows`: the column of the referenced table whose text is read (by default its name column).
- `holds`: the Autotask entity whose id the column keeps. Without it nothing is written there.

Which names are assumed: docs/explanation/work365.md, section 5.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from trueup.errors import ConfigError
from trueup.model.catalogue import Column, Table
from trueup.model.finding import Finding, Place, Severity
from trueup.source.names import suggestion

ID_COLUMNS = frozenset({"psa_system_id"})
"""Our columns that hold an Autotask id.

They are written only where they are empty, and only where a profile states whose id they hold.
"""

_TABLE_KEYS = ("logical", "entity_set", "write_back", "columns")
_COLUMN_KEYS = ("logical", "choices", "labels", "shows", "holds", "label")
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)(?![:\w])")
"""A parameter in a statement, as SQLAlchemy finds it; `::` is a cast of PostgreSQL."""

_DEFAULT_SHOWS = {"currency": "isocurrencycode"}
"""`shows` where the profile does not state it, by our column: currencies by their ISO code."""


class YamlPlaces(Protocol):
    """Places in a YAML file; the loader of the project's YAML provides them beside the data."""

    def place(self, *steps: str | int) -> Place:
        """Returns the place where that value begins."""
        ...

    def key_place(self, *steps: str | int) -> Place:
        """Returns the place of the key of that value."""
        ...


class ColumnProfile(Struct, frozen=True):
    """What a profile states about one column beside its name."""

    choices: Mapping[int, str] = {}
    labels: Mapping[str, str] = {}  # text, case folded → label
    shows: str = ""
    id_entity_of: str = ""


class Profile(Struct, frozen=True):
    """The catalogue's tables under this tenant's names."""

    tables: Mapping[str, Table]
    columns: Mapping[tuple[str, str], ColumnProfile] = {}
    """By table and column."""
    write_back: Mapping[str, str] = {}
    """The UPDATE statement by table, for SQL sources."""
    digest: str = ""

    def column(self, table: str, column: str) -> ColumnProfile:
        """Returns what the profile states about a column, or the defaults."""
        default = ColumnProfile(shows=_DEFAULT_SHOWS.get(column, ""))
        return self.columns.get((table, column), default)

    def id_entity_of(self, table: str, column: str) -> str:
        """Returns the Autotask entity whose id the column keeps; empty if it is not stated."""
        return self.column(table, column).id_entity_of


def statement_parameters(columns: Iterable[str], compared: Iterable[str] = ()) -> set[str]:
    """Returns the names of what a `write_back` statement gets for a write of these columns.

    `compared` are other columns, whose values must still be those of the plan.
    """
    values = dict.fromkeys(columns)
    return {*statement_values(None, values, values | dict.fromkeys(compared))}


def statement_values(
    key: object, values: Mapping[str, object], replaced: Mapping[str, object]
) -> dict[str, object]:
    """Returns what a `write_back` statement gets: the key, each value, and what it replaces."""
    return {"key": key, **{f"expected_{name}": value for name, value in replaced.items()}, **values}


def parse_profile(data: object, tables: Mapping[str, Table], places: YamlPlaces) -> Profile:
    """Returns the profile of a YAML document, laid over the catalogue's tables.

    Raises `ConfigError` with all faults of the document.
    """
    parser = _ProfileParser(tables, places)
    document = parser.mapping(data, ("tables",))
    parsed = {
        name: parser.table(name, table)
        for name, table in parser.mapping(document.get("tables"), None).items()
    }
    if parser.findings:
        raise ConfigError(parser.findings)

    text = json.dumps(data, sort_keys=True, default=str)
    return Profile(
        {**tables, **{name: table for name, table in parsed.items() if table}},
        parser.columns,
        parser.write_back,
        hashlib.sha256(text.encode()).hexdigest(),
    )


class _ProfileParser:
    """Parses a document and collects a finding for each fault."""

    def __init__(self, tables: Mapping[str, Table], places: YamlPlaces) -> None:
        self.tables, self.places = tables, places
        self.findings: list[Finding] = []
        self.columns: dict[tuple[str, str], ColumnProfile] = {}
        self.write_back: dict[str, str] = {}

    def mapping(self, data: object, keys: tuple[str, ...] | None, *steps: str) -> dict[str, Any]:
        """Returns the data as a mapping with no keys other than these; None allows any key.

        Reports data that is not a mapping, and returns an empty one.
        """
        if data is None:
            return {}
        if not isinstance(data, dict):
            self._report("names and values were expected", self.places.place(*steps))
            return {}
        for key in data:
            if keys is not None and key not in keys:
                place = self.places.key_place(*steps, str(key))
                self._report(f"`{key}` is not known here{suggestion(str(key), keys)}", place)
        return {str(key): value for key, value in data.items() if keys is None or key in keys}

    def table(self, name: str, data: object) -> Table | None:
        """Returns one table under its names in this tenant, None if the catalogue lacks it."""
        steps = ("tables", name)
        if name not in self.tables:
            text = f"there is no table `{name}`{suggestion(name, self.tables)}"
            self._report(text, self.places.key_place(*steps))
            return None

        table = self.tables[name]
        options = self.mapping(data, _TABLE_KEYS, *steps)
        if "write_back" in options:
            statement = str(options["write_back"])
            self._check_parameters(table, statement, *steps, "write_back")
            self.write_back[name] = statement

        parsed = {
            column: self._column(table, column, given)
            for column, given in self.mapping(
                options.get("columns"), None, *steps, "columns"
            ).items()
        }
        columns = {name: column for name, column in parsed.items() if column}
        named = {key: str(options[key]) for key in ("logical", "entity_set") if key in options}
        return replace(
            table,
            columns={**table.columns, **columns},
            assumed=table.assumed and not named,
            **named,
        )

    def _check_parameters(self, table: Table, statement: str, *steps: str) -> None:
        """Reports parameters of a statement that no write-back of the table can give."""
        known = statement_parameters(table.columns.keys() - {table.key})
        for name in dict.fromkeys(_PARAMETER.findall(statement)):
            if name not in known:
                near = "" if name == table.key else suggestion(name, known)
                remedy = (
                    "name the row's key `:key`, the value to write `:COLUMN`, "
                    "and the one that it replaces `:expected_COLUMN`"
                )
                text = f"`:{name}` is no parameter of {table.name}{near}"
                self._report(text, self.places.place(*steps), remedy)

    def _column(self, table: Table, name: str, data: object) -> Column | None:
        steps = ("tables", table.name, "columns", name)
        if name not in table.columns:
            text = f"{table.name} has no column `{name}`{suggestion(name, table.columns)}"
            self._report(text, self.places.key_place(*steps))
            return None

        column = table.columns[name]
        options = self.mapping(data, _COLUMN_KEYS, *steps)
        profile = ColumnProfile(
            choices=self._choices(column, options.get("choices"), *steps),
            labels=self._labels(column, options.get("labels"), *steps),
            shows=str(options.get("shows", _DEFAULT_SHOWS.get(name, ""))),
            id_entity_of=str(options.get("holds", "")),
        )
        self.columns[table.name, name] = profile
        return replace(
            column,
            logical=str(options.get("logical", column.logical)),
            choices=profile.choices or column.choices,
            assumed=column.assumed and "logical" not in options,
        )

    def _choices(self, column: Column, data: object, *steps: str) -> dict[int, str]:
        choices = {}
        for number, label in self.mapping(data, None, *steps, "choices").items():
            if not number.lstrip("-").isdigit():
                place = self.places.key_place(*steps, "choices", number)
                self._report(f"`{number}` is not the number of a choice", place)
            elif self._is_own_label(column, str(label), *steps, "choices", number):
                choices[int(number)] = str(label)
        return choices

    def _labels(self, column: Column, data: object, *steps: str) -> dict[str, str]:
        return {
            text.casefold(): str(label)
            for text, label in self.mapping(data, None, *steps, "labels").items()
            if self._is_own_label(column, str(label), *steps, "labels", text)
        }

    def _is_own_label(self, column: Column, label: str, *steps: str) -> bool:
        """Whether the catalogue knows the label; reports it if not."""
        labels = list(column.choices.values())
        if not labels or label in labels:
            return True
        text = f"{column.name} has no `{label}`; it is one of {', '.join(labels)}"
        self._report(text, self.places.place(*steps))
        return False

    def _report(self, text: str, place: Place, remedy: str = "") -> None:
        self.findings.append(Finding("profile", Severity.ERROR, text, remedy, place))
