"""Routes the requests of the Web API: metadata, the user and their privileges, rows, batches.

Source: docs/explanation/work365.md, sections 6.2 to 6.4 and 6.8.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from msgspec import Struct

from trueup.sandbox.dataverse import keys
from trueup.sandbox.dataverse.address import find, segments, table_of
from trueup.sandbox.dataverse.batch import Batch
from trueup.sandbox.dataverse.bulk import BulkActions
from trueup.sandbox.dataverse.csdl import csdl, service_document
from trueup.sandbox.dataverse.documents import RIGHTS
from trueup.sandbox.dataverse.metadata import ROOTS, metadata
from trueup.sandbox.dataverse.reader import API, RowReader
from trueup.sandbox.dataverse.responses import (
    DataverseError,
    from_document,
    method_not_allowed,
    unknown_segment,
)
from trueup.sandbox.dataverse.row_paths import RowPaths
from trueup.sandbox.dataverse.schema import TableDefinition, row_id
from trueup.sandbox.dataverse.store import RowStore
from trueup.sandbox.dataverse.writer import RowWriter
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

BASE = API
_USER = row_id("systemuser", "trueup")
_RIGHTS = {"GET": "Read", "POST": "Create", "DELETE": "Delete"}
_IMPERSONATION = ("mscrmcallerid", "callerobjectid")  # headers that name another user
_CUSTOMISING = (*ROOTS, "CreateEntities", "CreateCustomerRelationships", "InsertOptionValue")
"""What only a customiser may write. The sandbox's user may define alternate keys, nothing else."""


class WebApi(Struct):
    """The Web API of one environment."""

    store: RowStore
    definitions: Mapping[str, TableDefinition]
    organization: str
    vetoes: dict[str, str] = {}  # plug-in's refusal by logical table
    denied: set[str] = set()  # privileges that the user lacks: prvReadaccount
    shallow: set[str] = set()  # privileges for the user's own rows only

    def answer(self, request: Request) -> Response:
        """Answers a request under BASE. Raises `DataverseError`."""
        _refuse_impersonation(request)
        path = unquote(request.path.removeprefix(BASE))
        if path == "$batch":
            if request.verb != "POST":
                raise method_not_allowed()
            return Batch(self.store, self.answer, request).answer()
        if request.verb == "GET":
            return self._read(path, request) or self._rows(path, request)
        if path.partition("(")[0].partition("/")[0] in _CUSTOMISING:
            changed = keys.change(self.store, self.definitions, segments(path), request)
            if changed is not None:
                return changed
            right = _RIGHTS.get(request.verb, "Write")
            raise self._missing_privilege(f"prv{right}{_customised(path)}")
        if path == "BulkDelete" and request.verb == "POST":
            return self._bulk().delete(request)
        return self._rows(path, request)

    def row_of(self, path: str) -> tuple[str, str] | None:
        """Returns the logical table and the key of the row that a path addresses, or None."""
        try:
            first = segments(unquote(path.removeprefix(BASE)))[0]
            table = table_of(self.definitions, first.name)
            address = find(self.store, table, first.arguments or "")
        except DataverseError:
            return None
        return (table.logical, address.key) if address.key else None

    def _read(self, path: str, request: Request) -> Response | None:
        """Answers what is not about rows; None for any other path."""
        if path == "":
            return from_document(service_document(self.definitions, request))
        if path == "$metadata":
            return csdl(self.definitions)
        return metadata(self.definitions, path, request) or self._user(path, request)

    def _user(self, path: str, request: Request) -> Response | None:
        if path in ("WhoAmI", "WhoAmI()"):
            context = f"{request.base}{API}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"
            return from_document(
                {
                    "@odata.context": context,
                    "BusinessUnitId": row_id("businessunit", self.organization),
                    "UserId": _USER,
                    "OrganizationId": row_id("organization", self.organization),
                }
            )
        function = path.removesuffix("()")
        if function == f"systemusers({_USER})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges":
            return from_document({"RolePrivileges": list(self._privileges())})
        return None

    def _privileges(self) -> Iterator[Mapping[str, str]]:
        for table in self.definitions.values():
            for right in RIGHTS:
                name = f"prv{right}{table.logical}"
                if name not in self.denied:
                    yield {
                        "PrivilegeName": name,
                        "Depth": "Basic" if name in self.shallow else "Global",
                        "PrivilegeId": row_id("privilege", right + table.logical),
                    }

    def _rows(self, path: str, request: Request) -> Response:
        parts = segments(path)
        table = table_of(self.definitions, parts[0].name)
        self._require_privilege(_RIGHTS.get(request.verb, "Write"), table)
        if len(parts) == 2 and parts[0].arguments is None and request.verb == "POST":  # noqa: PLR2004
            response = self._bulk().answer(table, parts[1].name, request)
            if response is None:
                raise unknown_segment(parts[1].name)
            return response
        reader = RowReader(self.store, self.definitions)
        return RowPaths(self.store, reader, self._writer()).answer(table, parts, request)

    def _writer(self) -> RowWriter:
        return RowWriter(self.store, self._veto, self.definitions)

    def _bulk(self) -> BulkActions:
        return BulkActions(self._writer(), self.definitions)

    def _require_privilege(self, right: str, table: TableDefinition) -> None:
        name = f"prv{right}{table.logical}"
        if name in self.denied:
            raise self._missing_privilege(name)

    def _missing_privilege(self, name: str) -> DataverseError:
        return DataverseError(
            403,
            "0x80040220",
            f"Principal user (Id={_USER}, type=8) is missing {name} privilege.",
        )

    def _veto(self, table: TableDefinition) -> str:
        return self.vetoes.get(table.logical, "")


def _refuse_impersonation(request: Request) -> None:
    """Raises `DataverseError` for a request in the name of another user: there is none."""
    for header in _IMPERSONATION:
        caller = request.headers.get(header, _USER)
        if caller.lower() != _USER:
            message = f"systemuser With Id = {caller:.60} Does Not Exist"
            raise DataverseError(404, "0x80040217", message)


def _customised(path: str) -> str:
    """Returns the kind of metadata that a path leads to, as privileges name it."""
    if "/Attributes" in path:
        return "Attribute"
    if path.startswith(("RelationshipDefinitions", "CreateCustomerRelationships")):
        return "Relationship"
    if path.startswith(("GlobalOptionSetDefinitions", "InsertOptionValue")):
        return "OptionSet"
    return "Entity"
