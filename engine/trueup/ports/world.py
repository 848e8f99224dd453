"""The outside world of one command: both systems, the state and the clock."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from trueup.ports.source import Source
from trueup.ports.state import State
from trueup.ports.target import Target


class Clock(Protocol):
    """A clock; tests have their own."""

    def now(self) -> datetime:
        """Returns the instant, in UTC, with its zone."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


class World(Struct, frozen=True):
    """The outside world of one command."""

    source: Source
    target: Target
    state: State
    clock: Clock
