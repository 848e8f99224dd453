"""Changes, adds and deletes rows: one row, one column, or one reference.

PATCH adds a row that does not exist, unless `If-Match` forbids it; `If-None-Match: *` forbids to
change one that exists. Source: docs/explanation/work365.md, section 6.4.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from msgspec import Struct

from trueup.sandbox.dataverse.address import (
    RowAddress,
    duplicate,
    find,
    find_link,
    missing,
)
from trueup.sandbox.dataverse.payload import Payload, parsed
from trueup.sandbox.dataverse.query_options import options, preferences
from trueup.sandbox.dataverse.reader import API, row_context
from trueup.sandbox.dataverse.relations import Definitions, Relation, relations
from trueup.sandbox.dataverse.responses import DataverseError, from_json, no_content, unsupported
from trueup.sandbox.dataverse.row_json import RowJson
from trueup.sandbox.dataverse.schema import TableDefinition
from trueup.sandbox.dataverse.seed import first_reason, to_json, utc_text
from trueup.sandbox.dataverse.store import RowStore, StoredRow, Values
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

_MISMATCH = "The version of the existing record doesn't match the RowVersion property provided."

Veto = Callable[[TableDefinition], str]
"""Returns why a plug-in refuses to write to a table; empty if it does not."""


class RowWriter(Struct, frozen=True):
    """Writes rows to the store."""

    store: RowStore
    veto: Veto
    definitions: Definitions = {}

    def create(self, table: TableDefinition, request: Request) -> Response:
        """Adds a row. Raises `DataverseError`."""
        body = parsed(request.body)
        with self.store.writing():
            key = self.add(table, body)
            return self._written(table, key, request, status=201)

    def patch(self, address: RowAddress, request: Request) -> Response:
        """Changes a row, or adds it if it does not exist. Raises `DataverseError`."""
        table = address.table
        body = parsed(request.body)
        with self.store.writing():
            current = self._current(address)
            _check_match(current, request.headers.get("if-match"))
            if current.row is not None and request.headers.get("if-none-match") == "*":
                raise _duplicate_key()
            key = self.upsert(current, body)
            return self._written(table, key, request, status=200 if current.row else 201)

    def delete(self, address: RowAddress, request: Request) -> Response:
        """Deletes a row. Raises `DataverseError` if it does not exist or its tag differs."""
        with self.store.writing():
            current = self._current(address)
            if current.row is None:
                raise missing(current)
            _check_match(current, request.headers.get("if-match"))
            self._refuse_by_veto(address.table)
            self.remove(address.table, current.row.key)
        return no_content({})

    def set_column(self, address: RowAddress, name: str, request: Request) -> Response:
        """Changes one column to the body's `value`; DELETE makes it null."""
        value = None if request.verb == "DELETE" else parsed(request.body).get("value")
        with self.store.writing():
            current = self._existing(address)
            _check_match(current, request.headers.get("if-match"))
            self.upsert(current, {name: value})
        return no_content({})

    def refer(self, address: RowAddress, relation: Relation, link: str | None) -> Response:
        """Makes a row refer to the one that `link` addresses, or to none."""
        with self.store.writing():
            current = self._existing(address)
            self.upsert(current, {f"{relation.navigation}@odata.bind": link})
        return no_content({})

    def find_link(self, link: object) -> RowAddress:
        """Finds the row that a link addresses. Raises `DataverseError`."""
        if not isinstance(link, str) or not link:
            raise unsupported("The @odata.id of the related row is missing.")
        return find_link(self.store, self.definitions, link)

    def add(self, table: TableDefinition, body: Mapping[str, Any]) -> str:
        """Inside `writing`: adds a row and returns its key. Raises `DataverseError`."""
        key = str(body.get(table.key) or uuid4()).lower()
        return self.upsert(RowAddress(table, key, None, {}), body)

    def remove(self, table: TableDefinition, key: str) -> None:
        """Inside `writing`: deletes a row; rows that refer to it lose the reference or go too."""
        self.store.remove(table.logical, key)
        json = RowJson(self.store, self.definitions)
        for relation in relations(self.definitions):
            if relation.referenced is not table:
                continue
            for row in json.referring(relation, key):
                if relation.cascades:
                    self.remove(relation.referencing, row.key)
                else:
                    values = {**row.values(), relation.attribute.wire: "null"}
                    self.store.put(relation.referencing.logical, row.key, values)

    def upsert(self, address: RowAddress, body: Mapping[str, Any]) -> str:
        """Inside `writing`: changes a row or adds it; returns its key. Raises `DataverseError`."""
        table, row = address.table, address.row
        own = dict(body)
        if row is not None and str(own.get(table.key, "")).lower() == row.key:
            del own[table.key]  # it only says which row is meant
        values = Payload(self.store, self.definitions, table).values(own, new=row is None)
        self._refuse_by_veto(table)

        key = row.key if row else address.key or str(uuid4())
        if row is None and self.store.get(table.logical, key) is not None:
            raise _duplicate_key()
        before = row.values() if row else {**new_row(table, key), **address.columns}
        after = {**before, **values, table.key: to_json(key)}
        now = to_json(utc_text(self.store.facts.now()))
        for name in ("modifiedon",) if row else ("createdon", "modifiedon"):
            if name in table.attributes:
                after[name] = now
        if "statecode" in body and "statuscode" not in body:
            after["statuscode"] = first_reason(table, after)
        if {"statecode", "statuscode"} & body.keys():
            _check_state(table, after)
        if duplicate(self.store, table, key, after):
            raise _duplicate_key()
        self.store.put(table.logical, key, after)
        return key

    def _current(self, address: RowAddress) -> RowAddress:
        """Inside `writing`: the row as it is now."""
        row = self.store.get(address.table.logical, address.key) if address.key else address.row
        return RowAddress(address.table, address.key, row, address.columns)

    def _existing(self, address: RowAddress) -> RowAddress:
        current = self._current(address)
        if current.row is None:
            raise missing(current)
        return current

    def _refuse_by_veto(self, table: TableDefinition) -> None:
        refusal = self.veto(table)
        if refusal:
            raise DataverseError(400, "0x80040265", refusal)

    def _written(
        self, table: TableDefinition, key: str, request: Request, *, status: int
    ) -> Response:
        """Returns 204, or the row if the request prefers it."""
        row = self.store.get(table.logical, key)
        given = options(request, ("$select", "$expand"))
        prefer = preferences(request)
        json = RowJson(self.store, self.definitions, prefer)
        shape = json.shape(table, given.get("$select"), given.get("$expand"))
        url = f"{request.base}{API}{table.entity_set}({key})"
        headers = {"OData-EntityId": url, **({"Location": url} if status == 201 else {})}  # noqa: PLR2004
        if row is None:
            raise missing(find(self.store, table, key))
        headers["ETag"] = row.tag
        if not prefer.representation:
            return no_content(headers)
        text = json.row(shape, row, [row_context(request, table)])
        shown = from_json(text, preferred=prefer.applied(representation=True), headers=headers)
        return Response(status, shown.body, shown.content_type, shown.headers, took_effect=True)


def new_row(table: TableDefinition, key: str) -> Values:
    """Returns the columns of a new row: its key, the first state and status, and nulls."""
    values = dict.fromkeys(table.wire_names(), "null")
    values[table.key] = to_json(key)
    for name in ("statecode", "statuscode"):
        if name in table.attributes:
            values[name] = to_json(table.attributes[name].choices[0].value)
    return values


def _check_match(address: RowAddress, if_match: str | None) -> None:
    """Raises `DataverseError` unless the row satisfies `If-Match`."""
    if if_match is None:
        return
    row: StoredRow | None = address.row
    if row is None:
        raise missing(address)
    if if_match == "*":
        return
    if not address.table.concurrent:
        raise DataverseError(
            400,
            "0x8006088d",
            f"Optimistic concurrency isn't enabled for entity type {address.table.logical}. "
            "The IfVersionMatches value of ConcurrencyBehavior can only be used if optimistic "
            "concurrency is enabled.",
        )
    if if_match != row.tag:
        raise DataverseError(412, "0x80060882", _MISMATCH)


def _duplicate_key() -> DataverseError:
    return DataverseError(412, "0x80040237", "A record with matching key values already exists.")


def _check_state(table: TableDefinition, values: Values) -> None:
    """Raises `DataverseError` unless the status reason belongs to the state."""
    status = table.attributes.get("statuscode")
    if status is None:
        return
    states = {str(choice.value): str(choice.state) for choice in status.choices}
    state, reason = values["statecode"], values["statuscode"]
    if states.get(reason, state) != state:
        raise DataverseError(
            400,
            "0x80048408",
            f"{reason} is not a valid status code for state code {state} on {table.logical}.",
        )
