"""The figures of a fault test."""

from collections import Counter
from dataclasses import dataclass, field

_SHOWN_PROBLEMS = 20


@dataclass
class Figures:
    """Counts of scenarios, kills and faults, and the problems that were found."""

    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    scenarios: int = 0
    attempts: int = 0
    duplicates: int = 0
    losses: int = 0
    wrong_units: int = 0
    noticed: int = 0  # remedies whose absence was noticed
    problems: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Returns the figures, a line each."""
        lines = [
            f"scenarios {self.scenarios}, attempts {self.attempts}",
            f"kills survived {self.kills.total():,}: {_counts(self.kills)}",
            f"faults injected {self.faults.total():,}: {_counts(self.faults)}",
            f"duplicates {self.duplicates}, losses {self.losses}, wrong units {self.wrong_units}",
        ]
        if self.noticed:
            lines.append(f"remedies whose absence was noticed {self.noticed}")
        return "\n".join([*lines, *self.problems[:_SHOWN_PROBLEMS]])

    @property
    def clean(self) -> bool:
        """Whether nothing was duplicated or lost, and every scenario ended."""
        return not (self.duplicates or self.losses or self.wrong_units or self.problems)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counter.items())) or "none"
