"""Rows out: one by its key, or page by page; whole, or what changed since a token."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from engine.sandbox.answers import Answer
from engine.sandbox.dataverse.answers import Refusal, good
from engine.sandbox.dataverse.options import VERSION, Preferences, options, preferences, selected
from engine.sandbox.dataverse.schema import Kind, names
from engine.sandbox.dataverse.store import RowStore, Stored, as_json
from engine.sandbox.request import Request

TOKEN_DAYS = 7
_TRACKED = "odata.track-changes"
_FORBIDDEN = ("$filter", "$orderby", "$expand", "$top")
_KNOWN = ("$select", "$count", "$top", "$deltatoken", "$skiptoken")
_TOKEN = re.compile(r"(\d+)!(\d+)")
_PAGE = re.compile(r"(\d+)\.(\d+)\.([ptd])")
_PLAIN, _FIRST, _CHANGES = "p", "t", "d"


@dataclass(frozen=True, slots=True)
class Question:
    """A reading of many rows."""

    kind: Kind
    request: Request
    select: str | None
    columns: Sequence[str]
    prefer: Preferences
    since: int = 0  # after this version
    start: int = 0  # the version at which the reading began
    mode: str = _PLAIN  # p: rows; t: rows, to be tracked; d: what changed, with what is gone
    top: int | None = None
    count: bool = False

    @property
    def address(self) -> str:
        """The address without what says where to go on."""
        select = f"?$select={self.select}" if self.select else "?"
        return f"{self.request.base}{self.request.path}{select}"


@dataclass(frozen=True, slots=True)
class Library:
    """Reads the store."""

    store: RowStore

    def one(self, kind: Kind, key: str, request: Request) -> Answer:
        """One row. Raises Refusal."""
        said = options(request, ("$select",))
        columns = selected(said.get("$select"), names(kind), kind.logical)
        stored = self.store.get(kind.logical, key)
        if stored is None or key in request.hidden.get(kind.logical, ()):
            raise absent(kind, key)
        return good(_row(kind, stored, columns))

    def many(self, kind: Kind, request: Request) -> Answer:
        """One page. Raises Refusal."""
        asked = self._question(kind, request)
        found = self.store.after(kind.logical, asked.since, asked.prefer.page + 1, gone=asked.mode == _CHANGES)
        page = found[: asked.prefer.page if asked.top is None else min(asked.prefer.page, asked.top)]
        more = len(found) > len(page) and asked.top is None
        links = self._links(asked, page[-1].version if more else None)
        page, links = self._spoilt(asked, page, links)
        head = [f'"@odata.context":"{request.base}/api/data/v9.2/$metadata#{kind.entity_set}"']
        if asked.prefer.version:
            head.append(f'"@{VERSION}":"{self.store.fact("definitions", "1")}"')
        if asked.count:
            head.append(f'"@odata.count":{min(self.store.count(kind.logical), 5000)}')
        hidden = request.hidden.get(kind.logical, ())
        rows = ",".join(_row(kind, stored, asked.columns) for stored in page if stored.key not in hidden)
        body = "{" + ",".join([*head, *links, f'"value":[{rows}]']) + "}"
        return good(body, preferred=_TRACKED if asked.prefer.tracked else "")

    def _links(self, asked: Question, following: int | None) -> list[str]:
        """To the page after that version, or, where there is none, to the changes from now on."""
        joint = "&" if asked.select else ""
        if following is not None:
            token = f"{following}.{asked.start}.{asked.mode}"
            return [f'"@odata.nextLink":"{asked.address}{joint}$skiptoken={quote(token)}"']
        if asked.mode != _PLAIN:
            token = f"{asked.start}!{int(self.store.now().timestamp())}"
            return [f'"@odata.deltaLink":"{asked.address}{joint}$deltatoken={quote(token)}"']
        return []

    def _spoilt(self, asked: Question, page: list[Stored], links: list[str]) -> tuple[list[Stored], list[str]]:
        """What a fault makes of a page: it comes twice, the next one is passed over, it is empty, or half of it."""
        paging, more = asked.request.paging, bool(links) and "nextLink" in links[0]
        if paging == "twice" and more:
            return page, self._links(asked, asked.since)
        if paging == "skip" and more:
            over = self.store.after(asked.kind.logical, page[-1].version, len(page) + 1, gone=asked.mode == _CHANGES)
            return page, self._links(asked, over[-2].version if len(over) > len(page) else None)
        if paging in ("empty", "half"):
            return page[: len(page) // 2] if paging == "half" else [], []
        return page, links

    def _question(self, kind: Kind, request: Request) -> Question:
        prefer = preferences(request)
        said = options(request, (*_KNOWN, *_FORBIDDEN))
        tracking = prefer.tracked or "$deltatoken" in said
        for name in _FORBIDDEN:
            if name in said and (tracking or name != "$top"):
                why = "isn't supported when Change Tracking is enabled" if tracking else "is not supported"
                raise Refusal(400, "0x80060888", f'The "{name}" query parameter {why}.')
        if tracking and not kind.tracked:
            raise Refusal(400, "0x80060888", f"Change tracking is not enabled for entity '{kind.logical}'.")
        select = said.get("$select")
        asked = Question(
            kind,
            request,
            select,
            selected(select, names(kind), kind.logical),
            prefer,
            start=self.store.version,
            mode=_FIRST if prefer.tracked else _PLAIN,
            top=_whole(said.get("$top")),
            count=said.get("$count") == "true",
        )
        return self._going_on(asked, said.get("$deltatoken"), said.get("$skiptoken"))

    def _going_on(self, asked: Question, delta: str | None, skip: str | None) -> Question:
        """The question, from where a link says."""
        if delta is not None:
            return replace(asked, since=self._since(delta), mode=_CHANGES)
        if skip is None:
            return asked
        found = _PAGE.fullmatch(unquote(skip))
        if not found:
            raise Refusal(400, "0x80060888", "The paging token is malformed.")
        return replace(asked, since=int(found[1]), start=int(found[2]), mode=found[3])

    def _since(self, token: str) -> int:
        """The version that a change token stands for. Raises Refusal on one that is too old, or none."""
        found = _TOKEN.fullmatch(unquote(token))
        if not found:
            raise Refusal(400, "0x80060888", "The delta token is malformed.")
        days = int(self.store.fact("expire_days", str(TOKEN_DAYS)))
        age = self.store.now() - datetime.fromtimestamp(int(found[2]), UTC)
        if age >= timedelta(days=days) or int(found[1]) < int(self.store.fact("oldest_token", "0")):
            words = "Version stamp associated with the client has expired. Please perform a full sync."
            raise Refusal(400, "", words)
        return int(found[1])


def absent(kind: Kind, key: str) -> Refusal:
    """A row that is not there."""
    return Refusal(404, "0x80040217", f"{kind.logical} With Id = {key} Does Not Exist")


def _row(kind: Kind, stored: Stored, columns: Sequence[str]) -> str:
    if stored.body is None:
        return (
            f'{{"@odata.context":"$metadata#{kind.entity_set}/$deletedEntity","id":"{stored.key}","reason":"deleted"}}'
        )
    values = stored.values()
    shown = {name: values[name] for name in columns}
    for attribute in kind.attributes.values():
        if attribute.kind == "Money" and attribute.logical in shown and "_transactioncurrencyid_value" in values:
            shown["_transactioncurrencyid_value"] = values["_transactioncurrencyid_value"]
    return as_json({kind.key: values[kind.key], **shown}, stored.version)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
