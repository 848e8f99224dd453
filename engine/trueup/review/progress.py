"""The progress of a run: as text for a page, and as server-sent events.

Events have only data, which `progress.js` shows. Without the script, the page reloads itself.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus

from msgspec import Struct
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from trueup.render.formatting import known_as
from trueup.review.active_run import ActiveRun
from trueup.review.pages import desk_of, session_of
from trueup.review.streams import Streams

POLL = 0.5
"""Seconds between checks of the run, and of the browser's connection."""


class Seen(Struct, frozen=True):
    """The progress of a run as a page shows it."""

    text: str
    done: int
    total: int
    state: str  # begins, runs, stops, plans or ended; each has another page


def seen_of(run: ActiveRun) -> Seen:
    """Returns the present progress of a run."""
    progress = run.progress
    done, total, name = (progress.done, progress.total, progress.name) if progress else (0, 0, "")
    text = f"{done:,} of {total:,} changes. " if total else "It begins. "
    text += f"Last: {known_as(name)}." if name else ""
    return Seen(text.strip(), done, total, _state(run))


def _state(run: ActiveRun) -> str:
    if run.ended.is_set():
        return "ended"
    if run.outcome or run.reasons:
        return "plans"
    if run.stop.is_set():
        return "stops"
    return "runs" if run.progress else "begins"


def progress(request: Request) -> Response:
    """Streams the events of a run, until it ends or the browser disconnects.

    Closing the desk stops its run first, which also ends the events. Without a run, or with too
    many streams, the response is 204, after which a browser does not ask again.
    """
    desk, session = desk_of(request), session_of(request).id
    run = desk.run_control.find(request.query_params.get("id", ""))
    if run is None or not desk.streams.take(session):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return _Events(_events(request, run), desk.streams, session)


class _Events(StreamingResponse):
    """A stream that is given back however it ends, even if nothing was sent."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, events: AsyncIterator[str], streams: Streams, session: str) -> None:
        super().__init__(events)
        self._streams, self._session = streams, session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.give_back(self._session)


async def _events(request: Request, run: ActiveRun) -> AsyncIterator[str]:
    before = None
    while not await request.is_disconnected():
        seen = seen_of(run)
        if seen != before:
            yield f"data: {json.dumps(asdict(seen))}\n\n"
        if seen.state == "ended":
            return
        before = seen
        await asyncio.sleep(POLL)
