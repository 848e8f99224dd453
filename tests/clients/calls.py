"""Counts the calls that a client makes: tried, passed, refused as the real service refuses them."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Calls:
    """The calls of one client."""

    client: str
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def attempt(self, name: str, call: Callable[[], object]) -> None:
        """Makes one call, which checks its own result; any exception is a failure."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 -- whatever a client raises is the finding
            self.failed.append(name)
            place = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {error}".replace("\n", " ")[:300]
            sys.stdout.write(f"  FAIL {name}: {text} ({place.name}, line {place.lineno})\n")
        else:
            self.passed.append(name)

    def finish(self, needed: int) -> None:
        """Prints the figures; ends with exit code 1 below the needed number of passed calls."""
        tried = len(self.passed) + len(self.failed)
        sys.stdout.write(
            f"{self.client}: {len(self.passed)} of {tried} calls passed (needed {needed})\n"
        )
        sys.exit(0 if len(self.passed) >= needed else 1)
