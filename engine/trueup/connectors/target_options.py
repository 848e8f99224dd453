"""How a command uses the target."""

from dataclasses import dataclass

from trueup.ports.target import CachePolicy


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """How a command uses the target."""

    max_calls: int | None = None
    metadata: CachePolicy = CachePolicy.IGNORED  # zone and calls of the hour as well
    records: CachePolicy = CachePolicy.IGNORED
