"""The check of decisions: one for each topic of a row, of a kind that its mapping allows."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from trueup.config.checks.context import CheckContext
from trueup.config.checks.fields import check_mapping_name, error
from trueup.model.arguments import is_visible
from trueup.model.decision import Decision
from trueup.model.finding import Finding
from trueup.model.mapping import MappingSpec
from trueup.model.verdict import Topic, Verdict, wrong_parts


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

        if decision.reason and not is_visible(decision.reason):
            yield error("decision", "`reason` shows nothing", decision.place, "write why")
        yield from check_mapping_name(decision.mapping, context, decision.place)
        mapping = context.mappings.get(decision.mapping)
        if mapping:
            yield from _check_decision(decision, mapping, context)


def _check_decision(
    decision: Decision, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    appends, keeps_ledger = context.appends(mapping), context.keeps_ledger(mapping)
    if text := _reason(decision.verdict, mapping, appends=appends, keeps_ledger=keeps_ledger):
        yield error("decision", text, decision.place)
    for text, remedy in part_faults(decision):
        yield error("decision", text, decision.place, remedy)


def part_faults(decision: Decision) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with the parts of a decision, each with its remedy.

    The schema checks the record of a link.
    """
    for part in wrong_parts(
        decision.verdict, of=decision.of, on=decision.on, after=decision.after, seen=decision.seen
    ):
        remedy = f"remove `{part.name}`"
        if part.is_missing:
            remedy = f"`trueup decide … {decision.verdict} --{part.name} KEY` writes it"
        yield f"`{part.name}` is {part.text}", remedy


def why_not_applicable(verdict: Verdict, mapping: MappingSpec) -> str:
    """Returns why rows of this mapping cannot be decided so; empty if they can.

    The mapping must be one without errors.
    """
    appends, keeps_ledger = mapping.append is not None, mapping.ledger is not None
    return _reason(verdict, mapping, appends=appends, keeps_ledger=keeps_ledger)


def _reason(verdict: Verdict, mapping: MappingSpec, *, appends: bool, keeps_ledger: bool) -> str:
    only_appends = f"{verdict} is for pending changes; mapping {mapping.name} has none"
    only_records = f"{verdict} is for records; mapping {mapping.name} appends changes"
    only_ledgers = f"{verdict} is for a ledger; mapping {mapping.name} has none"
    match verdict:
        case Verdict.LINK | Verdict.CREATE:
            why = only_records if mapping.append else ""
        case Verdict.ACTIVATE:
            why = only_records if mapping.append else _why_not_activated(mapping)
        case Verdict.SUCCEED:
            why = only_records if mapping.append else "" if keeps_ledger else only_ledgers
        case Verdict.CORRECT:
            why = "" if keeps_ledger else only_ledgers
        case Verdict.ARCHIVE | Verdict.PUSH:
            why = "" if appends else only_appends
        case Verdict.IGNORE:
            why = ""
        case _:
            assert_never(verdict)
    return why


def _why_not_activated(mapping: MappingSpec) -> str:
    """Returns why records cannot be switched on; empty if `fields` has what `deactivate` sets."""
    if mapping.deactivate and mapping.deactivate.keys() <= mapping.fields.keys():
        return ""
    return f"activate needs the fields of `deactivate` in `fields` of mapping {mapping.name}"
