"""The check of decisions: one for each topic of a row, of a kind that its mapping allows."""

from collections.abc import Iterable, Iterator

from trueup.config.checks.context import CheckContext
from trueup.config.checks.fields import check_mapping_name, error
from trueup.model.decision import Decision
from trueup.model.finding import Finding
from trueup.model.mapping import MappingSpec
from trueup.model.verdict import Topic, Verdict

_ONLY_APPENDS = frozenset({Verdict.ARCHIVE, Verdict.PUSH})
"""Verdicts on pending changes."""

_ONLY_RECORDS = frozenset({Verdict.LINK, Verdict.CREATE, Verdict.ACTIVATE, Verdict.SUCCEED})
"""Verdicts on records that can be read."""


_ONLY_LEDGERS = frozenset({Verdict.CORRECT, Verdict.SUCCEED})
"""Verdicts on rows whose quantity is compared with units."""


def check_decisions(decisions: Iterable[Decision], context: CheckContext) -> Iterator[Finding]:
    """Yields what is wrong with the decisions, in their order."""
    decided: dict[tuple[str, str, Topic], Decision] = {}
    for decision in decisions:
        topics = [
            (decision.mapping, decision.key, topic) for topic in sorted(decision.verdict.topics)
        ]
        first = next((decided[topic] for topic in topics if topic in decided), None)
        if first:
            row = f"{decision.mapping} {decision.key!r}"
            text = f"{row} is decided twice; the first decision is at {first.place}"
            yield error("duplicate", text, decision.place, "keep one of them")
        for topic in topics:
            decided.setdefault(topic, decision)

        yield from check_mapping_name(decision.mapping, context, decision.place)
        mapping = context.mappings.get(decision.mapping)
        if mapping:
            yield from _check_decision(decision, mapping, context)


def _check_decision(
    decision: Decision, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    verdict = decision.verdict
    appends, keeps_ledger = context.appends(mapping), context.keeps_ledger(mapping)
    if text := _reason(verdict, mapping, appends=appends, keeps_ledger=keeps_ledger):
        yield error("decision", text, decision.place)

    if decision.after and verdict not in _ONLY_APPENDS:
        text = (
            "`after` is for archive and push of a pending change that an undo reversed,"
            f" not for {verdict}"
        )
        yield error("decision", text, decision.place, "remove `after`")
    if (verdict is Verdict.SUCCEED) != bool(decision.of):
        text = (
            "`of` is the row whose place the row takes: succeed needs it, and nothing else has it"
        )
        yield error(
            "decision", text, decision.place, "`trueup decide … succeed --of KEY` writes it"
        )
    if decision.on and verdict is not Verdict.PUSH:
        text = f"`on` is the day from which a pushed change is billed, not for {verdict}"
        yield error("decision", text, decision.place, "remove `on`")
    if decision.seen and verdict is not Verdict.CORRECT:
        text = f"`seen` is the difference that correct is about, not for {verdict}"
        yield error("decision", text, decision.place, "remove `seen`")


def why_not_applicable(verdict: Verdict, mapping: MappingSpec) -> str:
    """Returns why rows of this mapping cannot be decided so; empty if they can.

    The mapping must be one without errors.
    """
    appends, keeps_ledger = mapping.append is not None, mapping.ledger is not None
    return _reason(verdict, mapping, appends=appends, keeps_ledger=keeps_ledger)


def _reason(verdict: Verdict, mapping: MappingSpec, *, appends: bool, keeps_ledger: bool) -> str:
    if verdict in _ONLY_APPENDS and not appends:
        return f"{verdict} is for pending changes; mapping {mapping.name} has none"
    if verdict in _ONLY_RECORDS and mapping.append:
        return f"{verdict} is for records; mapping {mapping.name} appends changes"
    if verdict is Verdict.ACTIVATE and not _can_activate(mapping):
        return f"activate needs the fields of `deactivate` in `fields` of mapping {mapping.name}"
    if verdict in _ONLY_LEDGERS and not keeps_ledger:
        return f"{verdict} is for a ledger; mapping {mapping.name} has none"
    return ""


def _can_activate(mapping: MappingSpec) -> bool:
    """Returns whether `fields` has a value for each field that `deactivate` sets."""
    return bool(mapping.deactivate) and mapping.deactivate.keys() <= mapping.fields.keys()
