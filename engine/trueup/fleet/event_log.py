"""The log of a worker: one line per event, as text or as JSON.

An event names its tenant, run and change by their keys. No event holds the name of a customer, the
value of a field, or an amount of money.
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct, field

from trueup.operations.redaction import scrubbed

Write = Callable[[str], None]
"""Writes one line."""


class EventLog(Struct, frozen=True):
    """Writes events; `about` is added to each."""

    as_json: bool = False
    about: Mapping[str, object] = {}
    write: Write = field(default_factory=lambda: write_to_stderr)

    def emit(self, event: str, **about: object) -> None:
        """Writes one event. Values are texts, numbers or truth values."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        named = {**self.about, **about}
        if "text" in named:
            named["text"] = scrubbed(str(named["text"]))
        if self.as_json:
            self.write(json.dumps({"at": at, "event": event, **named}, ensure_ascii=False))
        else:
            details = " ".join(f"{name}={_text(value)}" for name, value in named.items())
            self.write(f"{at} {event} {details}")


def _text(value: object) -> str:
    """A value on one line; quoted where it has more than one word."""
    text = " ".join(str(value).split())
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text


def write_to_stderr(line: str) -> None:
    """Writes one line in a single call, because the processes of runs share this stream."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
