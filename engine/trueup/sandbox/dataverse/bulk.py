"""Actions on many rows of one table: CreateMultiple, UpdateMultiple, UpsertMultiple, BulkDelete.

The first three are all or nothing. BulkDelete deletes at once here; in Dataverse it is a job that
runs later. Source: docs/explanation/work365.md, section 6.4.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from trueup.sandbox.dataverse.address import GUID, RowAddress, find_link, missing
from trueup.sandbox.dataverse.payload import parsed
from trueup.sandbox.dataverse.relations import Definitions
from trueup.sandbox.dataverse.responses import (
    DataverseError,
    from_document,
    no_content,
    unsupported,
)
from trueup.sandbox.dataverse.schema import TableDefinition, row_id
from trueup.sandbox.dataverse.writer import RowWriter
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

LARGEST = 1000  # targets in one request
_CRM = "Microsoft.Dynamics.CRM."


class BulkActions(Struct, frozen=True):
    """The actions, with the writer that performs them."""

    writer: RowWriter
    definitions: Definitions

    def answer(self, table: TableDefinition, name: str, request: Request) -> Response | None:
        """Performs an action that is bound to a table; None for an unknown name.

        Raises `DataverseError`.
        """
        action = _BOUND.get(name.removeprefix(_CRM)) if name.startswith(_CRM) else None
        if action is None:
            return None
        targets = _targets(table, request)
        with self.writer.store.writing():
            keys = [action(self, table, target) for target in targets]
        if name != f"{_CRM}CreateMultiple":
            return no_content({})
        context = f"{request.base}/api/data/v9.2/$metadata#{_CRM}CreateMultipleResponse"
        return from_document({"@odata.context": context, "Ids": keys})

    def delete(self, request: Request) -> Response:
        """Performs BulkDelete for conditions on the key. Raises `DataverseError`."""
        body = parsed(request.body)
        queries = body.get("QuerySet")
        if not isinstance(queries, list) or not body.get("JobName"):
            raise unsupported("The parameters QuerySet and JobName of BulkDelete are required.")
        keys = [(table, key) for query in queries for table, key in self._chosen(query)]
        store = self.writer.store
        with store.writing():
            for table, key in keys:
                if store.get(table.logical, key) is not None:
                    self.writer.remove(table, key)
        context = f"{request.base}/api/data/v9.2/$metadata#{_CRM}BulkDeleteResponse"
        job = row_id("asyncoperation", f"{body['JobName']} {store.facts.version}")
        return from_document({"@odata.context": context, "JobId": job})

    def _chosen(self, query: Mapping[str, Any]) -> list[tuple[TableDefinition, str]]:
        """Returns the rows that one query names by their keys. Any other query is refused."""
        only_keys = "BulkDelete is supported for one condition on the key."
        try:
            name, criteria = str(query["EntityName"]), query["Criteria"]
            (condition,) = criteria["Conditions"]
            column, comparison = condition["AttributeName"], condition["Operator"]
            keys = [str(value["Value"]).lower() for value in condition["Values"]]
            others = criteria.get("Filters")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise unsupported(only_keys) from None
        table = self.definitions.get(name)
        if table is None:
            raise unsupported(f"The entity with a name = '{name}' was not found.")
        if column != table.key or comparison not in ("In", "Equal") or others:
            raise unsupported(only_keys)
        if not all(map(GUID.fullmatch, keys)):
            raise unsupported("A value of the condition is not a key.")
        return [(table, key) for key in keys]

    def _create(self, table: TableDefinition, target: Mapping[str, Any]) -> str:
        return self.writer.add(table, target)

    def _update(self, table: TableDefinition, target: Mapping[str, Any]) -> str:
        address = self._address(table, target)
        if address.row is None:
            raise missing(address)
        return self.writer.upsert(address, target)

    def _upsert(self, table: TableDefinition, target: Mapping[str, Any]) -> str:
        return self.writer.upsert(self._address(table, target), target)

    def _address(self, table: TableDefinition, target: Mapping[str, Any]) -> RowAddress:
        link = target.get("@odata.id") or f"{table.entity_set}({target.get(table.key, '')})"
        address = find_link(self.writer.store, self.definitions, str(link))
        if address.table is not table:
            raise unsupported(f"The target '{link}' is not a row of {table.logical}.")
        return address


_BOUND: Mapping[str, Callable[[BulkActions, TableDefinition, Mapping[str, Any]], str]] = {
    "CreateMultiple": BulkActions._create,  # noqa: SLF001 -- its own methods
    "UpdateMultiple": BulkActions._update,  # noqa: SLF001
    "UpsertMultiple": BulkActions._upsert,  # noqa: SLF001
}


def _targets(table: TableDefinition, request: Request) -> list[Mapping[str, Any]]:
    """Returns the rows of a request. Raises `DataverseError`."""
    targets = parsed(request.body).get("Targets")
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
        raise unsupported("The parameter 'Targets' is missing or is not a list of rows.")
    if not 0 < len(targets) <= LARGEST:
        raise unsupported(f"'Targets' must have 1 to {LARGEST} rows.")
    for target in targets:
        if str(target.get("@odata.type")).removeprefix("#") != f"{_CRM}{table.logical}":
            raise DataverseError(
                400, "0x80048d19", f"A target lacks the @odata.type '{_CRM}{table.logical}'."
            )
    return targets
