"""Dataverse's wording of the shared faults (`http.fault_effects`), and three faults of its own.

- `unauthorized`: all access tokens become invalid before this request.
- `expired`: all change tokens become invalid before this request.
- `lost`: a person saves the row right before this request, so that its tag no longer matches (412).
"""

from collections.abc import Callable
from functools import partial

from trueup.sandbox.dataverse.oauth import TokenEndpoint
from trueup.sandbox.dataverse.responses import DataverseError, error_response
from trueup.sandbox.dataverse.store import RowStore
from trueup.sandbox.http.fault_effects import ActiveFault, ErrorStyle
from trueup.sandbox.http.json_types import Json
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

OWN = ("unauthorized", "expired", "lost")

RowOf = Callable[[str], tuple[str, str] | None]
"""Returns the table and the key of the row that a path addresses; None if it addresses none."""


def error_style(tokens: TokenEndpoint, store: RowStore, row_of: RowOf) -> ErrorStyle:
    """Returns how this environment words its errors, and its own kinds of faults."""

    def save_row(request: Request) -> None:
        row = row_of(request.path)
        if row:
            store.touch(*row)

    events: dict[str, Callable[[Request], None]] = {
        "unauthorized": lambda _: tokens.revoke(),
        "expired": lambda _: store.facts.expire_changes(),
        "lost": save_row,
    }
    own_kinds = {kind: partial(_after_event, events[kind]) for kind in OWN}
    return ErrorStyle(_busy, _error, row_key, own_kinds)


def row_key(value: Json) -> str:
    """Returns a row's key as it is stored. Raises `ValueError`."""
    if not isinstance(value, str):
        raise ValueError(f"{value} is not the key of a row")  # noqa: TRY004 -- the promised error
    return value.lower()


def _busy(seconds: int) -> Response:
    message = "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
    headers = {"Retry-After": str(seconds)} if seconds else None
    return error_response(DataverseError(429, "0x80072322", message, headers))


def _error(text: str) -> Response:
    return error_response(DataverseError(503, "", text or "The service is unavailable."))


def _after_event(
    event: Callable[[Request], None], active: ActiveFault, request: Request
) -> Response:
    """Handles the request as usual, right after something has happened."""
    event(request)
    return active.proceed(request)
