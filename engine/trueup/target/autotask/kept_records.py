"""The records that an earlier plan has read of Autotask, kept beside the state.

Of a query that has more than one page, the file holds the records with the fields that the plan
needs; of smaller ones their ids, and values of fields that queries use. That is customer data: only
the owner may read the file. It holds no secret.

Losing it costs the next plan a full read, so a file that is damaged, of another version or of
another tenant counts as absent and is replaced. Two processes may use it at once: it is replaced as
a whole, by the last one.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from trueup import operating_system
from trueup.local_files import read_regular
from trueup.ports.world import Clock
from trueup.target.autotask.paging import Item
from trueup.target.autotask.query import Filter
from trueup.target.autotask.wire import id_of

VERSION = 1

LARGEST = 100_000_000
"""Bytes; where it would be more, nothing is kept."""

_DECIMAL = "decimal"
"""JSON has no exact decimals: 9.50 is kept as `{"decimal": "9.50"}`."""

_log = logging.getLogger(__name__)


class KeptQuery(Struct, frozen=True):
    """A query, and what it found when it was last sent."""

    filters: Sequence[Filter]  # one for each piece
    include: Sequence[str]  # the fields of its records, as it was sent
    counted: bool  # whether it is compared with query/count in any case
    pieces: Sequence[Mapping[int, Item]]  # records by id, for each filter
    complete: bool  # whether these have all the fields
    read: datetime  # this machine's time before it was last brought up to date
    full: datetime  # this machine's time before it was last read in full

    @property
    def key(self) -> str:
        """Returns a key that is equal for equal filters."""
        return query_key(self.filters)

    @property
    def size(self) -> int:
        """Records of all pieces."""
        return sum(map(len, self.pieces))


def query_key(filters: Sequence[Filter]) -> str:
    """Returns a text that is the same for the same filters."""
    return json.dumps(filters, sort_keys=True)


class KeptRecords:
    """The file of one tenant, zone and API user."""

    def __init__(self, path: Path, clock: Clock, *, used: bool) -> None:
        """`used`: the content of the file is returned; otherwise new content is only written."""
        self.clock = clock
        self._path, self._used = path, used
        self._tenant: str | None = None
        self._entities: dict[str, Any] = {}  # as in the file
        self._changed = False

    def belong_to(self, tenant: str) -> None:
        """Reads what was kept of this tenant, zone and API user, once; other content is dropped."""
        if tenant != self._tenant:
            self._tenant = tenant
            self._entities = self._load() if self._used else {}

    def queries(self, entity: str) -> Sequence[KeptQuery]:
        """Returns the kept queries of an entity; none if anything about them is damaged."""
        try:
            return [_query(entry) for entry in self._entities.get(entity, ())]
        except _DAMAGED:
            return []

    def put(self, entity: str, queries: Sequence[KeptQuery]) -> None:
        """Replaces the kept queries of an entity."""
        entries = [_entry(query) for query in queries]
        if entries != self._entities.get(entity, []):
            self._entities[entity], self._changed = entries, True

    def save(self) -> None:
        """Writes the file if it has changed.

        A file that cannot be written costs the next plan a full read, and is logged.
        """
        if not self._changed or self._tenant is None:
            return
        document = {"version": VERSION, "tenant": self._tenant, "entities": self._entities}
        content = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=_json)
        encoded = content.encode("utf-8", "surrogatepass")
        try:
            if len(encoded) > LARGEST:
                _log.info("%s would have %d bytes: nothing is kept", self._path.name, len(encoded))
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            operating_system.write_whole(self._path, encoded, private=True)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path.name, error.strerror)

    def _load(self) -> dict[str, Any]:
        """The entities of the file; none if it is absent, damaged, or of another tenant."""
        try:
            text = read_regular(self._path).decode("utf-8", "surrogatepass")
            document = json.loads(text, object_hook=_value)
            if document["version"] != VERSION or document["tenant"] != self._tenant:
                return {}
            return dict(document["entities"])
        except _DAMAGED:
            return {}


_DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What reading other content raises."""


def _entry(query: KeptQuery) -> dict[str, Any]:
    return {
        "filters": [*query.filters],
        "include": [*query.include],
        "counted": query.counted,
        "pieces": [[*piece.values()] for piece in query.pieces],
        "complete": query.complete,
        "read": query.read.isoformat(),
        "full": query.full.isoformat(),
    }


def _query(entry: Mapping[str, Any]) -> KeptQuery:
    """The entry as a query. Raises one of `_DAMAGED`."""
    query = KeptQuery(
        filters=list(entry["filters"]),
        include=[str(name) for name in entry["include"]],
        counted=entry["counted"] is True,
        pieces=[{id_of(item): item for item in piece} for piece in entry["pieces"]],
        complete=entry["complete"] is True,
        read=_instant(entry["read"]),
        full=_instant(entry["full"]),
    )
    if len(query.pieces) != len(query.filters):
        raise ValueError("a piece without a filter")
    return query


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return {_DECIMAL: str(value)}
    raise TypeError(f"{type(value).__name__} is no JSON")


def _value(given: dict[str, Any]) -> Any:  # noqa: ANN401 -- JSON with decimals
    return Decimal(given[_DECIMAL]) if given.keys() == {_DECIMAL} else given
