"""Checks whether the application user may do what a project needs, and what to grant.

Reading needs organisation level: to a user who sees only some rows, the others look deleted, and
change tracking refuses such a user (docs/explanation/work365.md, sections 6.1 and 6.3).
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.model.finding import Finding, Severity
from trueup.source.dataverse.client import DataverseClient
from trueup.source.dataverse.columns import bind_columns
from trueup.source.dataverse.errors import DataverseRefused
from trueup.source.dataverse.metadata import (
    TableDefinition,
    json_object,
    objects_of,
    read_definition,
)
from trueup.source.names import table_named
from trueup.source.profile import ID_COLUMNS, Profile

ColumnsByTable = Mapping[str, Iterable[str]]

_ORGANISATION = "Global"
_DEPTHS = {
    "Basic": "own rows",
    "Local": "its business unit",
    "Deep": "its business unit and those below",
}


def examine(
    client: DataverseClient, profile: Profile, read: ColumnsByTable, written: ColumnsByTable
) -> list[Finding]:
    """Returns one finding for each check: info is good, a warning has a cost, an error stops work.

    `read` and `written` are the columns that the project's mappings use. Never raises
    `SourceError`.
    """
    try:
        user = client.get("WhoAmI", "requesting the current user", json_object)
    except SourceError as error:
        remedy = "Check tenant, client_id and client_secret."
        return [Finding("source-token", Severity.ERROR, str(error), remedy)]

    user_id = str(user.get("UserId"))
    text = f"{client.name}: the token is accepted, the user is {user_id}"
    findings = [Finding("source-token", Severity.INFO, text)]
    checks = _TableChecks(client, profile, _privileges(client, user_id))
    for name, columns in read.items():
        table = table_named(profile.tables, name)
        findings += checks.check(table, columns, tuple(written.get(name, ())))
    return [*findings, _needed_role(profile, read, written)]


def _privileges(client: DataverseClient, user: str) -> Mapping[str, str] | None:
    """The user's privileges: name in lower case → depth. None if they cannot be requested."""
    path = f"systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
    try:
        answer = client.get(path, "requesting the user's privileges", json_object)
    except SourceError:
        return None
    return {
        str(privilege.get("PrivilegeName")).lower(): str(privilege.get("Depth"))
        for privilege in objects_of(answer.get("RolePrivileges"))
    }


def _needed_role(profile: Profile, read: ColumnsByTable, written: ColumnsByTable) -> Finding:
    """Returns the privileges to grant, in one sentence."""
    reading = ", ".join(_labels(profile, read))
    writing = ", ".join(_labels(profile, written))
    text = f"the role of the application user needs Read at organisation level on {reading}"
    return Finding("source-role", Severity.INFO, f"{text}; Write on {writing}" if writing else text)


def _labels(profile: Profile, tables: Iterable[str]) -> list[str]:
    return sorted(profile.tables[name].label or name for name in tables)


class _TableChecks(Struct, frozen=True):
    """Checks one table after the other."""

    client: DataverseClient
    profile: Profile
    privileges: Mapping[str, str] | None  # None: unknown

    def check(
        self, table: Table, columns: Iterable[str], written: tuple[str, ...]
    ) -> Iterator[Finding]:
        """Yields the findings of one table."""
        try:
            definition = read_definition(self.client, table.logical)
            bound = bind_columns(table, definition, self.profile, {*columns, *written})
            names = self._privilege_names(definition)
        except SourceError as error:
            remedy = "Run `trueup discover`, and correct the profile."
            yield Finding("source-names", Severity.ERROR, str(error), remedy)
            return

        yield self._reading(table, definition, names)
        yield self._tracking(table, definition)
        if written:
            yield self._concurrency(table, definition)
            yield self._writing(table, names)
        for column in bound:
            if column.column.name in written and not column.attribute.writable:
                name = f"{table.name}.{column.column.name} ({column.attribute.logical})"
                text = f"{name} cannot be written in Dataverse"
                remedy = "Remove it from write_back."
                yield Finding("source-column", Severity.ERROR, text, remedy)
        for name in ID_COLUMNS.intersection(written):
            if not self.profile.id_entity_of(table.name, name):
                text = (
                    f"the profile does not state which Autotask id {table.name}.{name} holds;"
                    " it is not written"
                )
                remedy = "Set `holds: <Autotask entity>` in the profile."
                yield Finding("source-holds", Severity.WARNING, text, remedy)

    def _privilege_names(self, definition: TableDefinition) -> Mapping[str, str]:
        """The privileges of a table: `Read`, `Write`, … → name in lower case."""
        path = f"EntityDefinitions(LogicalName='{definition.logical}')?$select=Privileges"
        what = f"reading the privileges of {definition.logical}"
        answer = self.client.get(path, what, json_object)
        return {
            str(privilege.get("PrivilegeType")): str(privilege.get("Name")).lower()
            for privilege in objects_of(answer.get("Privileges"))
        }

    def _reading(
        self, table: Table, definition: TableDefinition, names: Mapping[str, str]
    ) -> Finding:
        remedy = f"Grant Read on {table.label} at organisation level."
        if self.privileges is None:
            return self._trial_reading(table, definition, remedy)
        depth = self.privileges.get(names.get("Read", ""))
        if depth is None:
            text = f"{table.name}: our user may not read it"
            return Finding("source-read", Severity.ERROR, text, remedy)
        if depth != _ORGANISATION:
            rows = _DEPTHS.get(depth, depth)
            text = f"{table.name}: our user reads {rows} only; the others would look deleted"
            return Finding("source-read", Severity.ERROR, text, remedy)
        return Finding("source-read", Severity.INFO, f"{table.name}: all rows can be read")

    def _trial_reading(self, table: Table, definition: TableDefinition, remedy: str) -> Finding:
        """Reads one row, because the privileges are unknown."""
        try:
            path = f"{definition.entity_set}?$select={definition.key}&$top=1"
            self.client.get(path, f"reading {table.name}", json_object)
        except DataverseRefused as refused:
            return Finding("source-read", Severity.ERROR, f"{table.name}: {refused}", remedy)
        except SourceError as error:  # no answer: it says nothing about rights
            remedy = "Check the network, then try again."
            return Finding("source-read", Severity.ERROR, f"{table.name}: {error}", remedy)
        text = (
            f"{table.name}: it can be read; whether all rows can be read is unknown,"
            " because the user's privileges cannot be requested"
        )
        return Finding("source-read", Severity.WARNING, text, remedy)

    def _tracking(self, table: Table, definition: TableDefinition) -> Finding:
        if definition.tracked:
            return Finding("source-tracking", Severity.INFO, f"{table.name}: changes are tracked")
        text = f"{table.name}: changes are not tracked, so each plan reads the whole table"
        remedy = f"Enable Track changes for {table.label}."
        return Finding("source-tracking", Severity.WARNING, text, remedy)

    def _concurrency(self, table: Table, definition: TableDefinition) -> Finding:
        if definition.concurrent:
            text = f"{table.name}: optimistic concurrency is on"
            return Finding("source-concurrency", Severity.INFO, text)
        text = (
            f"{table.name}: no optimistic concurrency;"
            " a change in the same second as ours may be overwritten"
        )
        remedy = "Enable it, if the table is yours to change."
        return Finding("source-concurrency", Severity.WARNING, text, remedy)

    def _writing(self, table: Table, names: Mapping[str, str]) -> Finding:
        remedy = f"Grant Write on {table.label}."
        if self.privileges is None:
            text = f"{table.name}: whether our user may write is unknown"
            return Finding("source-write", Severity.WARNING, text, remedy)
        if names.get("Write", "") not in self.privileges:
            text = f"{table.name}: our user may not write back"
            return Finding("source-write", Severity.ERROR, text, remedy)
        return Finding("source-write", Severity.INFO, f"{table.name}: our user may write back")
