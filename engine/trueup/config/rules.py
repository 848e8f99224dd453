"""Builds rules and decisions from documents that are valid for their schemas.

Names in them are not checked here, but in `checks/rules.py` and `checks/decisions.py`.
"""

from collections.abc import Iterator
from decimal import Decimal

from trueup.config.days import parse_day
from trueup.config.node import Node
from trueup.model.decision import Decision, SeenDifference
from trueup.model.finding import Place, Severity
from trueup.model.mapping import Value
from trueup.model.note import Note
from trueup.model.project import Rule
from trueup.model.rule_scopes import RuleOn
from trueup.model.verdict import Verdict


def parse_rules(node: Node) -> Iterator[Rule]:
    """Yields the rules of one file, in its order."""
    for part in node["rules"].parts():
        remedy, when, on, mapping = (part.get(key) for key in ("remedy", "when", "on", "for"))
        when_linked, fields = part.get("when_linked"), part.get("fields")
        yield Rule(
            name=part["rule"].data,
            for_=mapping.data if mapping else "",
            on=RuleOn(on.data) if on else RuleOn.ROW,
            check=part["assert"].value(),
            severity=Severity(part["severity"].data),
            message=part["message"].value(),
            remedy=remedy.value() if remedy else Value("", part.place),
            place=part.place,
            when=when.value() if when else None,
            when_linked=Severity(when_linked.data) if when_linked else None,
            fields=fields.texts() if fields else (),
        )


def mapping_places(node: Node) -> Iterator[tuple[Place, Place]]:
    """Yields the place of each rule of one file, with the place where it names its mapping."""
    for part in node["rules"].parts():
        if "for" in part:
            yield part.place, part["for"].place


def parse_decisions(node: Node) -> Iterator[Decision]:
    """Yields the decisions of the file, in its order."""
    if node["decisions"].data is None:
        return

    for part in node["decisions"].parts():
        do, link, reason, until, after = (
            part.get(key) for key in ("do", "link", "reason", "until", "after")
        )
        seen, of, on, by = (part.get(key) for key in ("seen", "of", "on", "by"))
        yield Decision(
            mapping=part["mapping"].data,
            key=str(part["key"].data),
            verdict=Verdict(do.data) if do else Verdict.LINK,
            place=part.place,
            record=link.data if link else None,
            reason=reason.data if reason else "",
            until=parse_day(until.data) if until else None,
            after=after.data if after else "",
            seen=_parse_seen(seen) if seen else None,
            of=str(of.data) if of else "",
            on=parse_day(on.data) if on else None,
            by=by.data if by else "",
        )


def parse_notes(node: Node) -> Iterator[Note]:
    """Yields the notes of the file, in its order."""
    if node["notes"].data is None:
        return

    for part in node["notes"].parts():
        text, tags, assignee, by = (part.get(key) for key in ("note", "tags", "assignee", "by"))
        yield Note(
            mapping=part["mapping"].data,
            key=str(part["key"].data),
            text=text.data if text else "",
            tags=tuple(tags.data) if tags else (),
            assignee=assignee.data if assignee else "",
            by=by.data if by else "",
            place=part.place,
        )


def _parse_seen(node: Node) -> SeenDifference | None:
    day = parse_day(node["day"].data)
    if day is None:  # the schema reports it
        return None
    return SeenDifference(Decimal(node["units"].data), Decimal(node["quantity"].data), day)
