"""What a project needs of an environment in; whether our user may do that, and what to grant, out.

Reading wants organisation level: a user who sees some rows only makes the others look deleted, and change
tracking refuses him (work365.md, 6.1 and 6.3).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import SourceError
from engine.model.catalogue import Table
from engine.model.finding import Finding, Severity
from engine.source.dataverse.client import DataverseClient
from engine.source.dataverse.columns import find
from engine.source.dataverse.faults import Refused
from engine.source.dataverse.metadata import Definition, definition, dicts, document
from engine.source.profile import IDS, Profile
from engine.source.rows import table_of

Needs = Mapping[str, Iterable[str]]
"""Columns by table."""

_ALL = "Global"
_DEPTHS = {"Basic": "own rows", "Local": "its business unit", "Deep": "its business unit and those below"}


def examine(client: DataverseClient, profile: Profile, read: Needs, written: Needs) -> list[Finding]:
    """One finding a check: info is good, a warning costs something, an error stops work. Never raises SourceError."""
    try:
        user = client.get("WhoAmI", "asking who we are", document)
    except SourceError as error:
        return [_said("source-token", Severity.ERROR, str(error), "Check tenant, client_id and client_secret.")]
    good = f"{client.name}: the token is good, we are user {user.get('UserId')}"
    exam = _Exam(client, profile, _privileges(client, str(user.get("UserId"))))
    found = [_said("source-token", Severity.INFO, good)]
    for name, columns in read.items():
        found += exam.table(table_of(profile.tables, name), columns, tuple(written.get(name, ())))
    return [*found, exam.role(read, written)]


def _privileges(client: DataverseClient, user: str) -> Mapping[str, str] | None:
    """What our user may do: privilege in lower case → depth. None where he may not ask."""
    path = f"systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
    try:
        said = client.get(path, "asking for our privileges", document)
    except SourceError:
        return None
    listed = dicts(said.get("RolePrivileges"))
    return {str(each.get("PrivilegeName")).lower(): str(each.get("Depth")) for each in listed}


@dataclass(frozen=True, slots=True)
class _Exam:
    client: DataverseClient
    profile: Profile
    privileges: Mapping[str, str] | None

    def table(self, table: Table, columns: Iterable[str], written: tuple[str, ...]) -> Iterator[Finding]:
        """All there is to say of one table."""
        try:
            described = definition(self.client, table.logical)
            found = find(table, described, self.profile, {*columns, *written})
            names = self._names(described)
        except SourceError as error:
            yield _said("source-names", Severity.ERROR, str(error), "Run `trueup discover`, and correct the profile.")
            return
        yield self._reading(table, described, names)
        yield self._tracking(table, described)
        if written:
            yield self._concurrency(table, described)
            yield self._writing(table, names)
        for each in found:
            if each.column.name in written and not each.attribute.writable:
                text = f"{table.name}.{each.column.name} ({each.attribute.logical}) cannot be written in Dataverse"
                yield _said("source-column", Severity.ERROR, text, "Take it out of write_back.")
        for name in IDS.intersection(written):
            if not self.profile.holds(table.name, name):
                text = f"the profile does not say which Autotask id {table.name}.{name} holds; it is not written"
                yield _said("source-holds", Severity.WARNING, text, "Say `holds: <Autotask entity>` in the profile.")

    def role(self, read: Needs, written: Needs) -> Finding:
        """What to grant, in one sentence."""
        reading = ", ".join(_labels(self.profile, read))
        writing = ", ".join(_labels(self.profile, written))
        text = f"the role of the application user needs Read at organisation level on {reading}"
        return _said("source-role", Severity.INFO, f"{text}; Write on {writing}" if writing else text)

    def _names(self, described: Definition) -> Mapping[str, str]:
        """Right → name of the privilege, in lower case."""
        path = f"EntityDefinitions(LogicalName='{described.logical}')?$select=Privileges"
        said = self.client.get(path, f"reading the privileges of {described.logical}", document)
        listed: list[dict[str, Any]] = dicts(said.get("Privileges"))
        return {str(each.get("PrivilegeType")): str(each.get("Name")).lower() for each in listed}

    def _reading(self, table: Table, described: Definition, names: Mapping[str, str]) -> Finding:
        remedy = f"Grant Read on {table.label} at organisation level."
        if self.privileges is None:
            return self._try(table, described, remedy)
        depth = self.privileges.get(names.get("Read", ""))
        if depth is None:
            return _said("source-read", Severity.ERROR, f"{table.name}: our user may not read it", remedy)
        if depth != _ALL:
            text = f"{table.name}: our user reads {_DEPTHS.get(depth, depth)} only; the others would look deleted"
            return _said("source-read", Severity.ERROR, text, remedy)
        return _said("source-read", Severity.INFO, f"{table.name}: all rows can be read")

    def _try(self, table: Table, described: Definition, remedy: str) -> Finding:
        try:
            path = f"{described.entity_set}?$select={described.key}&$top=1"
            self.client.get(path, f"reading {table.name}", document)
        except Refused as refused:
            return _said("source-read", Severity.ERROR, f"{table.name}: {refused}", remedy)
        text = f"{table.name}: it can be read; whether all rows can is not known, as privileges cannot be asked for"
        return _said("source-read", Severity.WARNING, text, remedy)

    def _tracking(self, table: Table, described: Definition) -> Finding:
        if described.tracked:
            return _said("source-tracking", Severity.INFO, f"{table.name}: changes are tracked")
        text = f"{table.name}: changes are not tracked, so each plan reads it whole"
        return _said("source-tracking", Severity.WARNING, text, f"Switch on Track changes for {table.label}.")

    def _concurrency(self, table: Table, described: Definition) -> Finding:
        if described.concurrent:
            return _said("source-concurrency", Severity.INFO, f"{table.name}: optimistic concurrency is on")
        text = f"{table.name}: no optimistic concurrency; a change in the same second as ours may be overwritten"
        return _said("source-concurrency", Severity.WARNING, text, "Switch it on, if the table is yours to change.")

    def _writing(self, table: Table, names: Mapping[str, str]) -> Finding:
        if self.privileges is None:
            text = f"{table.name}: whether our user may write is not known"
            return _said("source-write", Severity.WARNING, text, f"Grant Write on {table.label}.")
        if names.get("Write", "") not in self.privileges:
            text = f"{table.name}: our user may not write back"
            return _said("source-write", Severity.ERROR, text, f"Grant Write on {table.label}.")
        return _said("source-write", Severity.INFO, f"{table.name}: our user may write back")


def _labels(profile: Profile, needs: Needs) -> list[str]:
    return sorted(profile.tables[name].label or name for name in needs)


def _said(code: str, severity: Severity, text: str, remedy: str = "") -> Finding:
    return Finding(code, severity, text, remedy)
