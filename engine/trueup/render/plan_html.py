"""Renders a plan as one HTML file without scripts or other files; it prints well."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from msgspec import Struct

from trueup.model.plan import Plan
from trueup.render import report
from trueup.render.formatting import count, money, sentence
from trueup.render.group_lines import TITLES
from trueup.render.ledger import COLUMNS, figures, name_of, priced
from trueup.render.noted import NOTHING_NOTED, Noted, noted_rows
from trueup.render.overview import (
    Overview,
    open_runs,
    overview,
    signing,
    view_of,
    waiting,
)
from trueup.render.partial_reads import LABEL, partial_reads
from trueup.render.sanitize import sanitize
from trueup.render.text import agrees, loose, outside_text, summary
from trueup.render.view import ARRANGEMENT, Arrangement, View
from trueup.render.wording import class_text, stays_text


class HtmlAnswer(Struct, frozen=True):
    """One of the figures at the head."""

    question: str
    figure: str
    note: report.Pieces = ()
    tone: str = ""  # of the figure: good, look, stop


class HtmlLedgerRow(Struct, frozen=True):
    """One subscription compared with the service that bills it."""

    state: str
    name: str
    cells: tuple[str, ...]
    text: report.Pieces
    remedy: report.Pieces


def plan_html(
    plan: Plan,
    *,
    verbose: bool = False,
    arrangement: Arrangement = ARRANGEMENT,
    noted: Noted = NOTHING_NOTED,
) -> str:
    """Returns the whole page. All text in it is from the template or is escaped."""
    seen = overview(plan)
    view = view_of(seen, verbose=verbose, arrangement=arrangement)
    blocks, whole = report.group_blocks(seen, view)
    return _template().render(
        title=f"Plan of {plan.as_of.isoformat()}",
        summary=report.pieces(summary(plan, seen)),
        is_empty=agrees(plan),
        read=_read(plan),
        open_runs=[report.reason(finding, view) for finding in open_runs(plan)],
        answers=_answers(seen, view),
        limits=[(sanitize(one.text), sanitize(one.limit)) for one in plan.exceeded],
        money=report.money_rows(seen, view),
        balance=report.balance_rows(seen, view),
        top=report.top_rows(seen, view),
        has_appends=any(change.is_append for change in plan.changes),
        stays_text=stays_text(plan.names),
        needs=report.entries(seen, view),
        groups_title=TITLES[arrangement.group],
        groups=blocks,
        whole=whole,
        findings=[report.finding_row(finding, view) for finding in loose(plan)],
        left_out=report.left_out(plan),
        noted=noted_rows(plan, noted),
        ledger_columns=(plan.names.source, plan.names.target, *COLUMNS),
        ledger=_ledger(plan) if verbose else [],
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("trueup.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("plan.html")


def _read(plan: Plan) -> list[tuple[str, str]]:
    """What the plan is about."""
    figures_ = plan.summary
    rows = "" if plan.undo_of else f", {count(figures_.source_rows, 'row')}"
    found = [
        (plan.names.source, f"{sanitize(plan.source)}{rows}"),
        (plan.names.target, f"{sanitize(plan.target)}, {count(figures_.records, 'record')}"),
        *((LABEL, line) for line in partial_reads(plan)),
        ("As of", plan.as_of.isoformat()),
    ]
    if plan.undo_of:
        found.append(("Undoes", f"run {sanitize(plan.undo_of)}"))
    elif plan.selection:
        found.append(("A part", sanitize(plan.selection)))
        found += [("Not shown", outside_text(plan.outside))] if plan.outside else []
    return found


def _answers(seen: Overview, view: View) -> list[HtmlAnswer]:
    """Returns the changes of this invoice run, a month, a year; what waits; the verdict."""
    found = [
        HtmlAnswer(
            question,
            money(of.net, view.currency, signed=True),
            report.net_note(of, view, price_unknown=seen.money.price_unknown),
        )
        for question, of in (
            ("This invoice run", seen.money.invoice),
            ("A month", seen.money.month),
            ("A year", seen.money.year),
        )
    ]
    many = seen.needy_rows
    found.append(
        HtmlAnswer(
            "Needs a person",
            f"{many:,}" if many else "Nothing",
            report.pieces(sentence(waiting(seen))),
            "look" if many else "good",
        )
    )
    return [*found, _signing(seen)]


def _signing(seen: Overview) -> HtmlAnswer:
    """Returns whether the plan can be signed."""
    can_be, why = signing(seen)
    question, note = "Can be signed", report.pieces(sentence(why))
    if can_be is None:
        return HtmlAnswer(question, "Nothing to sign")
    if not can_be:
        return HtmlAnswer(question, "No", note, "stop")
    return HtmlAnswer(question, "Yes", note, "look" if why else "good")


def _ledger(plan: Plan) -> list[HtmlLedgerRow]:
    return [
        HtmlLedgerRow(
            class_text(line.class_, plan.names),
            name_of(line),
            tuple(figures(line, amount, plan.currency)),
            report.pieces(sentence(sanitize(line.text))),
            report.pieces(sentence(sanitize(line.remedy))),
        )
        for line, amount in priced(plan)
    ]
