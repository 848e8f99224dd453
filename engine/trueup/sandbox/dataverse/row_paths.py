"""Routes the requests for rows: a table, one row, its columns, its references.

`accounts`, `accounts/$count`, `accounts(<key>)`, `accounts(<key>)/name`, `…/name/$value`,
`…/primarycontactid`, `…/primarycontactid/$ref`, `…/contact_customer_accounts`, `…/$ref`.
"""

import json
from collections.abc import Sequence
from urllib.parse import quote

from msgspec import Struct

from trueup.sandbox.dataverse.address import RowAddress, Segment, find, missing
from trueup.sandbox.dataverse.fetch_xml import compile_fetch, paging_cookie
from trueup.sandbox.dataverse.payload import parsed
from trueup.sandbox.dataverse.query_options import options, preferences, whole_number
from trueup.sandbox.dataverse.reader import API, RowReader
from trueup.sandbox.dataverse.relations import Relation, collection, single
from trueup.sandbox.dataverse.responses import (
    from_document,
    from_json,
    method_not_allowed,
    unknown_segment,
    unsupported,
)
from trueup.sandbox.dataverse.row_fields import RowFields
from trueup.sandbox.dataverse.row_json import shape_of
from trueup.sandbox.dataverse.schema import TableDefinition
from trueup.sandbox.dataverse.sql import compile_sql
from trueup.sandbox.dataverse.store import RowStore, StoredRow
from trueup.sandbox.dataverse.writer import RowWriter
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

_FETCH = "fetchXml"
_SQL = "sql"
_ALL = 1 << 31
_MORE = "Microsoft.Dynamics.CRM.morerecords"
_COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
_TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"


class RowPaths(Struct, frozen=True):
    """Answers requests for the rows of one table."""

    store: RowStore
    reader: RowReader
    writer: RowWriter

    def answer(
        self, table: TableDefinition, parts: Sequence[Segment], request: Request
    ) -> Response:
        """Answers a request. Raises `DataverseError`."""
        first, rest = parts[0], list(parts[1:])
        if first.arguments is None:
            return self._table(table, rest, request)
        address = find(self.store, table, first.arguments)
        if not rest:
            return self._row(address, request)
        return self._below(address, rest, request)

    def _table(self, table: TableDefinition, rest: list[Segment], request: Request) -> Response:
        match request.verb, [part.name for part in rest]:
            case "GET", []:
                if _given(request, _FETCH):
                    return self._fetch(table, request)
                if _given(request, _SQL):
                    return self._sql(table, request)
                return self.reader.page(table, request)
            case "GET", ["$count"]:
                return self.reader.number(table, request)
            case "POST", []:
                return self.writer.create(table, request)
            case _, []:
                raise method_not_allowed()
            case _:
                raise unknown_segment(rest[0].name)

    def _row(self, address: RowAddress, request: Request) -> Response:
        match request.verb:
            case "GET":
                if address.key is None:
                    raise missing(address)
                return self.reader.row(address.table, address.key, request)
            case "PATCH":
                return self.writer.patch(address, request)
            case "DELETE":
                return self.writer.delete(address, request)
            case _:
                raise method_not_allowed()

    def _below(self, address: RowAddress, rest: list[Segment], request: Request) -> Response:
        """Answers a request for something of a row."""
        table, name = address.table, rest[0].name
        if name in table.attributes and not table.attributes[name].targets:
            return self._column(address, rest, request)
        relation = single(self.reader.definitions, table, name)
        back = collection(self.reader.definitions, table, name)
        if relation is None and back is None:
            raise unknown_segment(name)
        if address.row is None:
            raise missing(address)
        if len(rest) > 1 and rest[1].name != "$ref":
            raise unknown_segment(rest[1].name)
        if relation is not None:
            return self._reference(address, address.row, relation, rest, request)
        if back is None:
            raise unknown_segment(name)
        return self._referring(address, back, rest, request)

    def _column(self, address: RowAddress, rest: list[Segment], request: Request) -> Response:
        name = rest[0].name
        raw = len(rest) == 2 and rest[1].name == "$value"  # noqa: PLR2004 -- the column, $value
        if len(rest) > 1 and not raw:
            raise unknown_segment(rest[1].name)
        if request.verb in ("PUT", "DELETE") and not raw:
            return self.writer.set_column(address, name, request)
        if request.verb != "GET":
            raise method_not_allowed()
        if address.row is None or address.key in request.hidden.get(address.table.logical, ()):
            raise missing(address)
        text = address.row.values().get(name, "null")
        if text == "null":
            return Response(status=204, headers={"OData-Version": "4.0"})
        if raw:
            value = json.loads(text) if text.startswith('"') else text
            return Response(body=str(value).encode(), content_type="text/plain")
        context = f"{request.base}{API}$metadata#{address.table.entity_set}({address.key})/{name}"
        return from_json(f'{{"@odata.context":"{context}","value":{text}}}')

    def _reference(
        self,
        address: RowAddress,
        row: StoredRow,
        relation: Relation,
        rest: list[Segment],
        request: Request,
    ) -> Response:
        """Reads, sets or clears the row that a reference refers to."""
        is_link = len(rest) > 1
        other = self.reader.json(request).related(relation, row)
        match request.verb, is_link:
            case "GET", False if other is not None:
                return self.reader.row(relation.referenced, other.key, request)
            case "GET", True if other is not None:
                return from_document(_link(request, relation.referenced, other))
            case "GET", _:
                return Response(status=204, headers={"OData-Version": "4.0"})
            case "PUT", True:
                return self.writer.refer(address, relation, _linked(request))
            case "DELETE", True:
                return self.writer.refer(address, relation, None)
            case _:
                raise method_not_allowed()

    def _referring(
        self, address: RowAddress, back: Relation, rest: list[Segment], request: Request
    ) -> Response:
        """Reads, adds or removes rows that refer to this one."""
        key = str(address.key)
        is_link = len(rest) > 1
        own: str | None = None  # what the other row refers to afterwards
        match request.verb, is_link:
            case "GET", _:
                rows = self.reader.json(request).referring(back, key)
                if is_link:
                    links = [_link(request, back.referencing, row) for row in rows]
                    return from_document({"value": links})
                return self.reader.page(back.referencing, request, rows)
            case "POST", True:
                other = self.writer.find_link(_linked(request))
                own = f"/{address.table.entity_set}({key})"
            case "DELETE", True:
                link = f"{back.referencing.entity_set}({rest[0].arguments})"
                if rest[0].arguments is None:
                    link = str(options(request, ("$id",)).get("$id", ""))
                other = self.writer.find_link(link)
            case _:
                raise method_not_allowed()
        if other.table is not back.referencing:
            raise unsupported(f"A row of {other.table.logical} has no reference {back.name}.")
        return self.writer.refer(other, back, own)

    def _fetch(self, table: TableDefinition, request: Request) -> Response:
        """Answers a FetchXML query."""
        given = options(request, (_FETCH,))
        fields = RowFields(self.store, self.reader.definitions, table)
        query = compile_fetch(given[_FETCH], table, fields)
        hidden = request.hidden.get(table.logical, ())
        rows = self.store.after(table.logical, 0, _ALL, gone=False)
        found = query.chosen([row for row in rows if row.key not in hidden])
        start = 0 if query.limited else (query.page - 1) * query.size
        page = found[start : start + query.size]
        more = not query.limited and len(found) > start + query.size

        prefer = preferences(request)
        head = [f'"@odata.context":"{request.base}{API}$metadata#{table.entity_set}"']
        if query.counted and prefer.wants(_TOTAL):
            head.append(f'"@{_TOTAL}":{len(found)}')
        if prefer.wants(_MORE):
            head.append(f'"@{_MORE}":{json.dumps(more)}')
        if more and prefer.wants(_COOKIE):
            cookie = json.dumps(paging_cookie(query, table, page))
            head.append(f'"@{_COOKIE}":{cookie}')
        rendered = self.reader.json(request)
        shape = shape_of(table, query.columns)
        shown = ",".join(rendered.row(shape, row) for row in page)
        body = "{" + ",".join([*head, f'"value":[{shown}]']) + "}"
        return from_json(body, preferred=prefer.applied())

    def _sql(self, table: TableDefinition, request: Request) -> Response:
        """Answers an SQL query; a page token is the number of rows before the page."""
        given = options(request, (_SQL, "$skiptoken"))
        start = whole_number("$skiptoken", given.get("$skiptoken")) or 0
        fields = RowFields(self.store, self.reader.definitions, table)
        query = compile_sql(given[_SQL], table, fields)
        hidden = request.hidden.get(table.logical, ())
        rows = self.store.after(table.logical, 0, _ALL, gone=False)
        found = query.chosen([row for row in rows if row.key not in hidden])
        page = found[start : start + query.size]

        head = [f'"@odata.context":"{request.base}{API}$metadata#{table.entity_set}"']
        if not query.limited and len(found) > start + query.size:
            link = f"?{_SQL}={quote(given[_SQL])}&$skiptoken={start + query.size}"
            head.append(f'"@odata.nextLink":"{request.base}{request.path}{link}"')
        rendered, shape = self.reader.json(request), shape_of(table, query.columns)
        shown = ",".join(rendered.row(shape, row) for row in page)
        return from_json(
            "{" + ",".join([*head, f'"value":[{shown}]']) + "}",
            preferred=preferences(request).applied(),
        )


def _given(request: Request, option: str) -> bool:
    return any(part.startswith(f"{option}=") for part in request.query.split("&"))


def _link(request: Request, table: TableDefinition, row: StoredRow) -> dict[str, str]:
    return {"@odata.id": f"{request.base}{API}{table.entity_set}({row.key})"}


def _linked(request: Request) -> str:
    """Returns the link in the body of a request. Raises `DataverseError` if there is none."""
    link = parsed(request.body).get("@odata.id")
    if not isinstance(link, str):
        raise unsupported("The @odata.id of the related row is missing.")
    return link
