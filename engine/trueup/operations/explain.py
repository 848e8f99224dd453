"""Explains a plan. Reads both systems and the state, and writes nothing."""

from collections.abc import Iterable

from msgspec.structs import replace

from trueup import wiring
from trueup.errors import EngineError
from trueup.model.arguments import require, require_text
from trueup.model.change import Change
from trueup.model.explanation import (
    ChangeExplanation,
    Explanation,
    LedgerExplanation,
    ShownMoney,
)
from trueup.model.plan import LedgerLine, Plan
from trueup.model.project import Project
from trueup.model.suggestions import closest
from trueup.operations.arguments import require_common
from trueup.operations.listener import SILENT, Listener
from trueup.operations.plan import planned_in
from trueup.operations.source_places import with_places
from trueup.pipeline import PlanOptions
from trueup.planning.context import PlanContext
from trueup.planning.explaining import totals
from trueup.planning.explaining.ledger import explain_line
from trueup.planning.explaining.money import explain_change
from trueup.planning.explaining.rows import changes_of, explain_row
from trueup.planning.explaining.rules import rules_about
from trueup.planning.explaining.subjects import RowSubject, Subject, find_subject
from trueup.ports.target import CachePolicy
from trueup.render.amounts import plan_money
from trueup.render.belonging import Belonging


def explain(
    project: Project, what: str, plan: Plan | None = None, listener: Listener = SILENT
) -> Explanation:
    """Explains a change, a row, a field, a line of the ledger or a total of a plan.

    `what` is `MAPPING:KEY`, `MAPPING:KEY.FIELD`, the id of a change, `ledger:` with a key or name,
    the name of a row, or the name of a total as the plan shows it. A row's name may stand for its
    key. Without `plan`, a new plan is made. With one, its changes and figures are explained, from
    rows and records as they are now; later changes are noted, and a total is explained without
    reading anything. Raises EngineError, with candidates, if `what` fits nothing or several, and
    what `plan` raises.
    """
    require_common(project, listener)
    require_text("what", what)
    if plan is not None:
        require("plan", plan, Plan)
    if plan is not None and (found := explain_total(plan, what)):
        return found
    with wiring.open_world(project, metadata=CachePolicy.USED) as world:
        options = PlanOptions(as_of=plan.as_of if plan else None, explained=True)
        made = planned_in(world, project, options, listener)
        shown = plan or made.plan
        if found := explain_total(shown, what):
            return found
        if made.context is None:
            raise AssertionError("a plan that undoes nothing was made without its context")
        subject = _subject(made.context, shown, what)
        found = _explained(made.context, shown, subject, what)
        notes = _notes(project, plan, made.plan) if plan else ()
        changes = _as_shown(found.changes, shown)
        return with_places(replace(found, changes=changes, notes=notes), world.source)


def explain_total(plan: Plan, what: str) -> Explanation | None:
    """Explains a total by its name from the plan alone; None if the plan has no such total."""
    total = totals.explain_total(plan, what)
    if total is None:
        return None
    return Explanation(what, plan.as_of, plan.currency, plan.names, total=total)


def _subject(context: PlanContext, plan: Plan, what: str) -> Subject:
    try:
        return find_subject(context, plan, what)
    except EngineError as error:
        near = closest(what, totals.labels(plan))
        if near is None:
            raise
        raise EngineError(f"{error}; or the total {near!r}?") from error


def _explained(context: PlanContext, plan: Plan, subject: Subject, what: str) -> Explanation:
    empty = Explanation(what, plan.as_of, plan.currency, plan.names)
    match subject:
        case RowSubject(mapping, key, field):
            row = explain_row(context, plan, mapping, key)
            if field:
                rules = rules_about(context, context.project.mappings[mapping], field)
                fields = tuple(one for one in row.fields if one.name == field)
                kept = tuple(rule for rule in row.rules if rule.name in rules)
                return replace(empty, rows=(replace(row, fields=fields, rules=kept),), field=field)
            own = changes_of(plan, mapping, key)
            moving = [
                change
                for change in plan.changes
                if change.adjustment
                and (change.adjustment.row.mapping, change.adjustment.row.key) == (mapping, key)
            ]
            changes = {one.id: one for one in (*own, *moving)}.values()
            moved = [change.adjustment.row for change in changes if change.adjustment]
            return replace(
                empty,
                rows=(row,),
                changes=tuple(explain_change(context, plan, change) for change in changes),
                ledger=_lines(context, plan, [(mapping, key), *(one[:2] for one in moved)]),
            )
        case Change():
            adjustment = subject.adjustment
            return replace(
                empty,
                rows=tuple(
                    explain_row(context, plan, subject.mapping, key)
                    for key in subject.keys
                    if not (adjustment and adjustment.is_correction)
                ),
                changes=(explain_change(context, plan, subject),),
                ledger=_lines(context, plan, [adjustment.row[:2]] if adjustment else []),
            )
        case LedgerLine():
            found = explain_line(context, plan, subject)
            return replace(empty, ledger=(found,) if found else ())


def _as_shown(changes: Iterable[ChangeExplanation], plan: Plan) -> tuple[ChangeExplanation, ...]:
    """Returns changes with the amounts and the service that other outputs of the plan show."""
    money, belonging = plan_money(plan), Belonging(plan)
    return tuple(
        replace(
            one,
            shown=ShownMoney(
                invoice=money.invoice.of(one.change.id),
                once=money.once.of(one.change.id),
                month=money.month.of(one.change.id),
                lost=money.lost.of(one.change.id),
            ),
            service=belonging.service(one.change),
        )
        for one in changes
    )


def _lines(
    context: PlanContext, plan: Plan, rows: Iterable[tuple[str, str]]
) -> tuple[LedgerExplanation, ...]:
    wanted = {*rows}
    lines = [line for line in plan.ledger if line.key and (line.mapping, line.key) in wanted]
    found = [explain_line(context, plan, line) for line in lines]
    return tuple(one for one in found if one)


def _notes(project: Project, saved: Plan, now: Plan) -> tuple[str, ...]:
    """Returns the differences between a saved plan and the data of its explanation."""
    notes = []
    if saved.project != project.digest:
        notes.append(
            "the configuration has changed since this plan was made: "
            "expressions, rules and policies are those of now"
        )
    if (saved.lineage, saved.serial) != (now.lineage, now.serial):
        notes.append("a run or an edit of the state came after this plan")
    return tuple(notes)
