"""Determines which pending changes of a service may be sent; holds the others with a reason."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

from trueup.model.change import Action
from trueup.model.finding import NO_ADVICE, Advice, Command, Finding, Severity
from trueup.model.mapping import MappingSpec
from trueup.model.plan import LedgerLine
from trueup.model.verdict import Verdict
from trueup.planning.context import PlanContext
from trueup.planning.in_doubt import in_doubt_finding
from trueup.planning.ledger.change_values import change_finding
from trueup.planning.ledger.other_steps import OtherSteps
from trueup.planning.ledger.pending import PendingChanges
from trueup.planning.ledger.policies import ABOVE_CEILING
from trueup.planning.rights import denied_finding, may_not
from trueup.stages.ledger import LedgerResult, PendingUnits, ServiceLedger, changes_later


class _PolicyHold(NamedTuple):
    """Why a policy holds a change, and the remedy."""

    code: str  # of the finding
    text: str
    remedy: Advice


class SendableChanges:
    """Holds changes if the ledger differs, a policy requires it, or the units exist already."""

    def __init__(
        self,
        context: PlanContext,
        pending: PendingChanges,
        owner: MappingSpec,
        other_steps: OtherSteps,
    ) -> None:
        """`owner` is the mapping whose ledger the changes move."""
        self._context, self._pending, self._owner = context, pending, owner
        self._mapping, self._state = pending.mapping, pending.state
        self._pushed = pending.decisions.pushed
        self._other_steps = other_steps

    def of(self, ledger: ServiceLedger, result: LedgerResult, keys: Sequence[str]) -> Sequence[str]:
        """The changes among `keys`, in their order, that may be sent; the others are held."""
        line = result.line
        if keys and (holds := self._holds_all(ledger, line)):
            for key in keys:
                self._state.block(key, holds(key))
            return []
        if not result.sendable:
            text = f"the ledger differs by {line.difference or 0:+f}: {line.text}"
            has_them = line.units == line.quantity  # pushed, they would be billed twice
            return self._only_decided(
                keys, "ledger-differs", text, line.advice, may_push=not has_them
            )
        sendable = self._without_policy_holds(ledger, keys)
        if line.difference:
            return sendable
        return self._not_entered_already(ledger, sendable)

    def _without_policy_holds(
        self, ledger: ServiceLedger, sendable: Sequence[str]
    ) -> Sequence[str]:
        """Holds changes that a policy reserves for a person, and all that come after them."""
        changes = {change.key: change for change in ledger.changes}
        for position, key in enumerate(sendable):
            hold = self._policy_hold(ledger, changes[key])
            if hold is not None:
                self._hold(sendable[position:], hold)
                return sendable[:position]
        return sendable

    def _policy_hold(self, ledger: ServiceLedger, change: PendingUnits) -> _PolicyHold | None:
        """Returns why a policy holds the change; None if it may be sent."""
        name, key = self._mapping.name, change.key
        end = ledger.terms.end
        if change.needs_day:
            return _PolicyHold(
                "needs-day",
                f"a decision must name the day from which it is billed ({change.needs_day})",
                Advice.of(Command.decide(name, key, Verdict.PUSH, "--on DAY")),
            )
        if change.dated and end and change.dated <= end < change.day:
            return _PolicyHold(
                "after-end",
                f"dated {change.dated}, it would be billed from {change.day} "
                f"{self._who_chose_the_day(key)}, and its contract ends on {end}",
                Advice.of(
                    "extend the contract; or ",
                    Command.decide(name, key, Verdict.PUSH, "--on DAY"),
                    " bills it from a day within it; or ",
                    Command.decide(name, key, Verdict.ARCHIVE),
                    " if nothing is to be billed",
                ),
            )
        if change.units != change.units.to_integral_value():
            systems = self._context.systems
            return _PolicyHold(
                "not-whole",
                f"it changes units by {change.units:+f}; {systems.target} counts whole units",
                Advice(
                    f"correct its quantity in {systems.source}, or round the units: "
                    f"`policy.rounding` in mapping {self._owner.name}"
                ),
            )
        is_above = ledger.ceiling is not None and change.step_reaches > ledger.ceiling
        if is_above and change.step_units > 0 and key not in self._pushed:
            return _PolicyHold(
                ABOVE_CEILING,
                f"{change.step_reaches:f} units are above the ceiling of {ledger.ceiling:f} "
                "(policy: ceiling)",
                Advice.of(Command.decide(name, key, Verdict.PUSH)),
            )
        return None

    def _who_chose_the_day(self, key: str) -> str:
        """Returns what says from which day a change is billed: a decision with its place, or not.

        A decision may name a day after the contract's end: nothing reads that when it is written.
        """
        decision = self._pending.decisions.get(key)
        if decision is None or decision.on is None:
            return "by the policy"
        return f"as decided ({decision.place})"

    def _hold(self, keys: Sequence[str], hold: _PolicyHold) -> None:
        """Holds the first of the changes, and those after it because of it."""
        first = change_finding(
            self._mapping, hold.code, Severity.HOLD, hold.text, keys[0], hold.remedy
        )
        self._state.block(keys[0], first)
        for key in keys[1:]:
            self._pending.make_wait(key, first)

    def _holds_all(
        self, ledger: ServiceLedger, line: LedgerLine
    ) -> Callable[[str], Finding] | None:
        """The finding, by key, that holds every change of the service; None if none does."""
        mapping = self._mapping
        if self.is_in_doubt(ledger):
            return lambda key: in_doubt_finding(mapping.place, mapping.name, key)
        if self.is_denied:
            return lambda key: denied_finding(
                mapping, self._mapping.target.entity, Action.ADJUST, key
            )
        if line.difference is None:
            return lambda key: change_finding(
                self._mapping, "ledger-unknown", Severity.HOLD, line.text, key, line.advice
            )
        return None

    def _not_entered_already(self, ledger: ServiceLedger, sendable: Sequence[str]) -> Sequence[str]:
        """Holds changes whose units the target seems to have already, though the sum agrees."""
        target = self._context.systems.target
        code = "keyed-already"
        if sendable and ledger.later_steps:
            text = changes_later(ledger, ledger.later_steps[:1])
            return self._only_decided(sendable, code, text)
        steps = self._other_steps.entered_already(ledger, sendable)
        for position, key in enumerate(sendable):
            if key in steps:
                step = steps[key]
                text = (
                    f"{target}'s units change by {step.units:+d} on {step.day} already, "
                    "and not by trueup"
                )
                return [
                    *sendable[:position],
                    *self._only_decided(sendable[position:], code, text),
                ]
        return sendable

    def _only_decided(
        self,
        keys: Sequence[str],
        code: str,
        text: str,
        other: Advice = NO_ADVICE,
        *,
        may_push: bool = True,
    ) -> Sequence[str]:
        """Returns the first changes that a person decided to push; holds the rest.

        `other` is a remedy besides those of each change: `archive`, and `push` if `may_push`.
        """
        pushed = [*takewhile(self._pushed.__contains__, keys)]
        for key in keys[len(pushed) :]:
            archive = Command.decide(self._mapping.name, key, Verdict.ARCHIVE)
            target = self._context.systems.target
            push = ", or `… push`" if may_push else ""
            remedy = Advice.of(archive, f" ({target} has it already){push}")
            if other.text:
                remedy = remedy + "; or " + other
            self._state.block(
                key, change_finding(self._mapping, code, Severity.HOLD, text, key, remedy)
            )
        return pushed

    def is_in_doubt(self, ledger: ServiceLedger) -> bool:
        """Whether an adjustment of the service is in doubt: then its units are unknown."""
        doubt = self._context.in_doubt
        changes = any((self._mapping.name, change.key) in doubt.rows for change in ledger.changes)
        return changes or ledger.record in doubt.services

    @property
    def is_denied(self) -> bool:
        """Whether the API user may not adjust at all."""
        return may_not(self._context, self._mapping.target.entity, Action.ADJUST)
