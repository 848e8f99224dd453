"""What a plan is made from, kept for its explanation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trueup.model.plan import LedgerLine
from trueup.model.rule_scopes import RuleOn
from trueup.stages.ledger import ServiceLedger


@dataclass
class ExplainedParts:
    """Parts of a plan in the making; empty unless the plan is to be explained."""

    is_wanted: bool = False
    service_ledgers: dict[tuple[str, str, int | None], ServiceLedger] = field(default_factory=dict)
    """What lines of the ledger were made from, by mapping, key and record."""

    rule_names: dict[tuple[RuleOn, str, str], Mapping[str, Any]] = field(default_factory=dict)
    """What rules saw of records, changes, ledger lines and the plan, by mapping and key."""

    def saw(self, on: RuleOn, mapping: str, key: str, names: Mapping[str, Any]) -> None:
        """Keeps the names that rules saw."""
        if self.is_wanted:
            self.rule_names[on, mapping, key] = names

    def keep_ledger(self, line: LedgerLine, ledger: ServiceLedger) -> None:
        """Keeps the data of a ledger line."""
        if self.is_wanted:
            self.service_ledgers[line.mapping, line.key, line.record] = ledger

    def ledger_of(self, line: LedgerLine) -> ServiceLedger | None:
        """Returns the data of a ledger line; None if it was not kept."""
        return self.service_ledgers.get((line.mapping, line.key, line.record))
