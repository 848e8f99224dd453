"""The faults of every sandbox (`engine.sandbox.faults`) in Dataverse's words, and three that only Dataverse has.

unauthorized: from this request on, no token that was given is good any more. expired: the same for change tokens.
lost: somebody saves the row right before this request, so that its tag is another one (412).
"""

from collections.abc import Callable
from functools import partial

from engine.sandbox.answers import Answer
from engine.sandbox.dataverse.answers import Refusal, refused
from engine.sandbox.dataverse.oauth import Door
from engine.sandbox.dataverse.store import RowStore
from engine.sandbox.faults import Manner, Stroke
from engine.sandbox.lenient import Json
from engine.sandbox.request import Request

OWN = ("unauthorized", "expired", "lost")

RowOf = Callable[[str], tuple[str, str] | None]
"""The table and key of the row that a path is about, if it is about one."""


def manner(door: Door, store: RowStore, row_of: RowOf) -> Manner:
    """How this environment says what is wrong."""
    happens: tuple[Callable[[Request], None], ...] = (
        lambda _: door.withdraw(),
        lambda _: store.expire_changes(),
        partial(_touch, store, row_of),
    )
    own = {kind: partial(_before, happen) for kind, happen in zip(OWN, happens, strict=True)}
    return Manner(_busy, _down, key, own)


def key(said: Json) -> str:
    """A row's key as it is kept. Raises ValueError."""
    if not isinstance(said, str):
        raise ValueError(f"{said} is no key of a row")  # noqa: TRY004 -- what it says of itself, not of its type
    return said.lower()


def _busy(seconds: int) -> Answer:
    words = "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
    return refused(Refusal(429, "0x80072322", words, {"Retry-After": str(seconds)} if seconds else None))


def _down() -> Answer:
    return refused(Refusal(503, "", "The service is unavailable."))


def _before(happen: Callable[[Request], None], stroke: Stroke, request: Request) -> Answer:
    """Something happens right before the request, which is then answered as ever."""
    happen(request)
    return stroke.proceed(request)


def _touch(store: RowStore, row_of: RowOf, request: Request) -> None:
    row = row_of(request.path)
    if row:
        store.touch(*row)
