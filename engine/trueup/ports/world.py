"""All that stands outside, for one command: both systems, the state and the clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trueup.ports.source import Source
from trueup.ports.state import State
from trueup.ports.target import Target


class Clock(Protocol):
    """Time, so that tests can move it."""

    def now(self) -> datetime:
        """The instant, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """All that stands outside, for one command."""

    source: Source
    target: Target
    state: State
    clock: Clock
