"""What this tenant calls the tables, columns and choices of our Work 365 catalogue.

The catalogue holds documented names and assumed ones; a profile, a YAML file that `trueup discover` writes
and people correct, says what is true here. Nothing outside the profile knows a tenant's names.

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

`choices` numbers are this tenant's; `labels` are display texts here → our label; `shows` is the column of the
table referred to whose text is taken (its name column if not said); `holds` is the Autotask entity whose id
the column keeps: without it nothing is written there.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from engine.errors import ConfigError
from engine.model.catalogue import Column, Table
from engine.model.finding import Finding, Place, Severity
from engine.source.rows import nearest


class Places(Protocol):
    """Where things stand in the file: what the loader of the project's YAML gives beside the data."""

    def place(self, *steps: str | int) -> Place:
        """Where that value begins."""
        ...

    def key_place(self, *steps: str | int) -> Place:
        """Where the key of that value stands."""
        ...


_TABLE_KEYS = ("logical", "entity_set", "write_back", "columns")
_COLUMN_KEYS = ("logical", "choices", "labels", "shows", "holds", "label")
IDS = frozenset({"psa_system_id"})
"""Our columns that hold an Autotask id: written only where they are empty, and where a profile says whose id."""

_SHOWS = {"currency": "isocurrencycode"}
"""What is shown of a reference where the profile does not say, by our column: currencies by their ISO code."""


@dataclass(frozen=True, slots=True)
class Here:
    """What a profile says of one column beside its name."""

    choices: Mapping[int, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)  # display text here, case folded → our label
    shows: str = ""
    holds: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """The catalogue's tables under this tenant's names."""

    tables: Mapping[str, Table]
    here: Mapping[tuple[str, str], Here] = field(default_factory=dict)  # by table and column
    write_back: Mapping[str, str] = field(default_factory=dict)  # by table
    digest: str = ""

    def of(self, table: str, column: str) -> Here:
        """What is said of a column."""
        return self.here.get((table, column), Here(shows=_SHOWS.get(column, "")))

    def holds(self, table: str, column: str) -> str:
        """The Autotask entity whose id the column keeps; empty where nobody says."""
        return self.of(table, column).holds


def profile_of(data: object, tables: Mapping[str, Table], places: Places) -> Profile:
    """The profile that a YAML document says, over the catalogue. Raises ConfigError with all faults."""
    reader = _Reader(tables, places)
    said = reader.mapping(data, ("tables",))
    made = {name: reader.table(name, each) for name, each in reader.mapping(said.get("tables"), None).items()}
    if reader.findings:
        raise ConfigError(reader.findings)
    text = json.dumps(data, sort_keys=True, default=str)
    return Profile(
        {**tables, **{name: table for name, table in made.items() if table}},
        reader.here,
        reader.write_back,
        hashlib.sha256(text.encode()).hexdigest(),
    )


class _Reader:
    """Reads a document and gathers what is wrong with it."""

    def __init__(self, tables: Mapping[str, Table], places: Places) -> None:
        self.tables, self.places = tables, places
        self.findings: list[Finding] = []
        self.here: dict[tuple[str, str], Here] = {}
        self.write_back: dict[str, str] = {}

    def mapping(self, data: object, keys: tuple[str, ...] | None, *steps: str) -> dict[str, Any]:
        """The data as a mapping with no other keys than these; an empty one, and a finding, if it is none."""
        if data is None:
            return {}
        if not isinstance(data, dict):
            self._say("names and values were expected", self.places.place(*steps))
            return {}
        for key in data:
            if keys is not None and key not in keys:
                place = self.places.key_place(*steps, str(key))
                self._say(f"`{key}` is not known here{nearest(str(key), keys)}", place)
        return {str(key): value for key, value in data.items() if keys is None or key in keys}

    def table(self, name: str, data: object) -> Table | None:
        """One table under its names here."""
        steps = ("tables", name)
        if name not in self.tables:
            self._say(f"there is no table `{name}`{nearest(name, self.tables)}", self.places.key_place(*steps))
            return None
        table, said = self.tables[name], self.mapping(data, _TABLE_KEYS, *steps)
        if "write_back" in said:
            self.write_back[name] = str(said["write_back"])
        columns = {
            column: self._column(table, column, each)
            for column, each in self.mapping(said.get("columns"), None, *steps, "columns").items()
        }
        known = {column: each for column, each in columns.items() if each}
        named = {key: str(said[key]) for key in ("logical", "entity_set") if key in said}
        return replace(table, columns={**table.columns, **known}, assumed=table.assumed and not named, **named)

    def _column(self, table: Table, name: str, data: object) -> Column | None:
        steps = ("tables", table.name, "columns", name)
        if name not in table.columns:
            text = f"{table.name} has no column `{name}`{nearest(name, table.columns)}"
            self._say(text, self.places.key_place(*steps))
            return None
        column, said = table.columns[name], self.mapping(data, _COLUMN_KEYS, *steps)
        here = Here(
            choices=self._choices(column, said.get("choices"), *steps),
            labels={key.casefold(): label for key, label in self._labels(column, said.get("labels"), *steps)},
            shows=str(said.get("shows", _SHOWS.get(name, ""))),
            holds=str(said.get("holds", "")),
        )
        self.here[table.name, name] = here
        logical = str(said.get("logical", column.logical))
        choices = here.choices or column.choices
        assumed = column.assumed and "logical" not in said
        return replace(column, logical=logical, choices=choices, assumed=assumed)

    def _choices(self, column: Column, data: object, *steps: str) -> dict[int, str]:
        made = {}
        for number, label in self.mapping(data, None, *steps, "choices").items():
            if not number.lstrip("-").isdigit():
                place = self.places.key_place(*steps, "choices", number)
                self._say(f"`{number}` is no number of a choice", place)
            elif self._is_ours(column, str(label), *steps, "choices", number):
                made[int(number)] = str(label)
        return made

    def _labels(self, column: Column, data: object, *steps: str) -> list[tuple[str, str]]:
        said = self.mapping(data, None, *steps, "labels").items()
        return [(text, str(ours)) for text, ours in said if self._is_ours(column, str(ours), *steps, "labels", text)]

    def _is_ours(self, column: Column, label: str, *steps: str) -> bool:
        ours = list(column.choices.values())
        if ours and label not in ours:
            self._say(f"{column.name} has no `{label}`; it is one of {', '.join(ours)}", self.places.place(*steps))
            return False
        return True

    def _say(self, text: str, place: Place) -> None:
        self.findings.append(Finding("profile", Severity.ERROR, text, place=place))
