"""Rules and decisions that fit their schemas in, Rule and Decision out. Names are not looked at here."""

from collections.abc import Iterator
from datetime import date

from engine.config.node import Node
from engine.model.finding import Place, Severity
from engine.model.project import Decision, Rule, RuleOn, Value, Verdict


def rules(node: Node) -> Iterator[Rule]:
    """The rules of one file, in its order."""
    for part in node["rules"].parts():
        remedy, when, on, of = (part.get(key) for key in ("remedy", "when", "on", "for"))
        yield Rule(
            name=part["rule"].data,
            for_=of.data if of else "",
            on=RuleOn(on.data) if on else RuleOn.ROW,
            check=part["assert"].value(),
            severity=Severity(part["severity"].data),
            message=part["message"].value(),
            remedy=remedy.value() if remedy else Value("", part.place),
            place=part.place,
            when=when.value() if when else None,
        )


def named_at(node: Node) -> Iterator[tuple[Place, Place]]:
    """The place of each rule, and that of the name of the mapping that it is for."""
    for part in node["rules"].parts():
        if "for" in part:
            yield part.place, part["for"].place


def decisions(node: Node) -> Iterator[Decision]:
    """The decisions of the file, in its order."""
    if node["decisions"].data is None:
        return
    for part in node["decisions"].parts():
        do, link, reason, until, after = (part.get(key) for key in ("do", "link", "reason", "until", "after"))
        yield Decision(
            mapping=part["mapping"].data,
            key=str(part["key"].data),
            verdict=Verdict(do.data) if do else Verdict.LINK,
            place=part.place,
            record=link.data if link else None,
            reason=reason.data if reason else "",
            until=day(until.data) if until else None,
            after=after.data if after else "",
        )


def day(said: object) -> date | None:
    """A day, given as one or as text (`"2026-11-01"`); none for anything else."""
    if isinstance(said, str):
        try:
            return date.fromisoformat(said)
        except ValueError:
            return None
    return said if isinstance(said, date) else None
