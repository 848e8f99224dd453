"""Reads a query in the pieces that Autotask accepts, a few at a time."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.limits import PER_ENDPOINT
from trueup.target.autotask.paging import EntityPages, Item
from trueup.target.autotask.query import Filter, most_records


class Query(Struct, frozen=True):
    """Records of one entity. `filters` has one filter for each piece."""

    entity: str
    filters: Sequence[Filter]
    counted: bool  # it is compared with query/count in any case


def read_pieces(
    client: AutotaskClient, query: Query, include: list[str]
) -> Sequence[dict[int, Item]]:
    """Returns what each piece finds, by id, with the fields of `include`. Raises `TargetError`."""
    pages = EntityPages(client, query.entity, include)
    pieces = query.filters
    if len(pieces) == 1:
        most = most_records(pieces[0])
        return [pages.read_all(pieces[0], counted=query.counted, most=most)]
    with ThreadPoolExecutor(min(PER_ENDPOINT, client.workers)) as pool:
        reads = [
            pool.submit(
                pages.read_all, piece, counted=False, most=most_records(piece), thorough=False
            )
            for piece in pieces
        ]
        try:
            return [read.result() for read in reads]
        finally:
            for read in reads:
                read.cancel()


def merged(pieces: Iterable[Mapping[int, Item]]) -> dict[int, Item]:
    """Returns the records of all pieces; one that two pieces find is one."""
    items: dict[int, Item] = {}
    for piece in pieces:
        items.update(piece)
    return items
