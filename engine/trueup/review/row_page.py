"""One row: both systems side by side, its findings, its ledger line, possible decisions."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.errors import EngineError
from trueup.model.catalogue import SystemNames
from trueup.model.change import Action, Change
from trueup.model.decision import Decision
from trueup.model.finding import Finding
from trueup.model.mapping import MappingSpec
from trueup.model.note import Note
from trueup.model.plan import LedgerLine, Plan
from trueup.model.record_search import FoundRecord
from trueup.model.verdict import Verdict
from trueup.operations.decide import possible
from trueup.operations.notes import note_of
from trueup.operations.record_links import source_address
from trueup.render.attention import Item, NeedKind
from trueup.render.changes import after, before, effects, notes, units, where
from trueup.render.findings import chain_text
from trueup.render.formatting import count, counts, known_as, money, sentence
from trueup.render.plan_tables import why
from trueup.render.report import DONE, ReasonText, beside, reason
from trueup.render.search import owners, why_it_fits
from trueup.render.wording import stays_text, why_changed
from trueup.review.current_plan import CurrentPlan
from trueup.review.ledger_outlooks import outlooks_of
from trueup.review.next_step import NextStep, next_step
from trueup.review.rows import LedgerRow, Row, RowKey


class FieldLine(Struct, frozen=True):
    """One field: the wanted value, the target's value, and why they differ."""

    field: str
    before: str
    after: str
    why: str


class ChangePart(Struct, frozen=True):
    """One change of the row."""

    action: str
    where: str
    heads: tuple[str, str]  # what the two columns of its fields hold: after, before
    facts: tuple[str, ...]  # why, units, money
    fields: tuple[FieldLine, ...]
    notes: tuple[str, ...]


class Stop(Struct, frozen=True):
    """Why the row needs a person, or waits."""

    state: str
    is_fault: bool
    reasons: tuple[ReasonText, ...]
    waits_for: str
    holds_back: str
    month: str  # what waits, or is not explained, a month


class Offer(Struct, frozen=True):
    """A decision that can be made about the row."""

    verdict: Verdict
    title: str
    hint: str
    has_until: bool = False
    has_day: bool = False
    has_row: bool = False
    leads_to: str = ""  # units and money, if the ledger shows them


class Candidate(Struct, frozen=True):
    """A record that a search found."""

    record: int
    title: str
    is_active: bool
    why: str
    owners: str


class RowPage(Struct, frozen=True):
    """The content of the page."""

    ref: RowKey
    name: str
    tab: str
    customer: str
    next: NextStep
    source: str  # table and key
    opens: str  # address of the row in the source system; empty if it is unknown
    target: str  # entity and record
    changes: tuple[ChangePart, ...]
    stops: tuple[Stop, ...]
    ledger: tuple[LedgerRow, ...]
    decided: tuple[str, ...]
    note: Note  # without text, tags and assignee if the row has none
    offers: tuple[Offer, ...]
    can_link: bool


def row_page(current: CurrentPlan, ref: RowKey) -> RowPage:
    """Returns what plan and state know of a row; an ignored row has only its decisions.

    Raises EngineError for a row that neither the plan nor a decision knows.
    """
    row, lines = current.by_row.get(ref), ledger_lines(current, ref)
    project = current.project
    spec = project.mappings.get(ref.mapping)
    decided = tuple(_decided(decision) for decision in project.decisions if _of(decision, ref, row))
    if spec is None or not ref.key or not (row or lines or decided):
        raise EngineError("the plan does not contain this row: it may be from an earlier plan")
    record = current.links.get(ref)
    verdicts = possible(project, ref.mapping)
    leads_to = outlooks_of(current, ref, lines)
    own = next((one for one in current.plan.ledger if _ref(one) == ref), None)
    return RowPage(
        ref=ref,
        name=next((one.name for one in (row, *lines) if one), ref.key),
        tab=spec.tab,
        customer=next((one.customer for one in (row, *lines) if one), ""),
        next=next_step(current, ref, row, can_link=Verdict.LINK in verdicts),
        source=f"{spec.source.table} {ref.key}",
        opens=source_address(project, spec.source.table, ref.key),
        target=_target(spec, record, own, row, current.plan.names),
        changes=tuple(_change(change, current) for change in row.changes) if row else (),
        stops=tuple(_stops(row, current)) if row else (),
        ledger=tuple(lines),
        decided=decided,
        note=note_of(project, *ref) or Note(*ref),
        offers=tuple(
            replace(offer, leads_to=leads_to.get(offer.verdict, ""))
            for offer in _offers(verdicts, current.plan, own, is_linked=record is not None)
        ),
        can_link=Verdict.LINK in verdicts,
    )


def ledger_lines(current: CurrentPlan, ref: RowKey) -> list[LedgerRow]:
    """Returns the ledger lines of the row: its own, or those that its changes move."""
    row = current.by_row.get(ref)
    wanted = {ref}
    for change in row.changes if row else ():
        if change.adjustment:
            wanted.add(RowKey(*change.adjustment.row[:2]))
    moves = current.project.ledger_of(ref.mapping)  # rows of two mappings may have the same key
    for line in current.plan.ledger:
        is_moved = moves is not None and line.mapping == moves.name
        if any(
            ref == RowKey(*one.row[:2]) or (is_moved and ref.key in one.keys) for one in line.held
        ):
            wanted.add(_ref(line))
    return [line for line in current.ledger if line.ref.key and line.ref in wanted]


def candidate(one: FoundRecord) -> Candidate:
    """Returns a found record as text."""
    return Candidate(one.record, known_as(one.title), one.is_active, why_it_fits(one), owners(one))


def _ref(line: LedgerLine) -> RowKey:
    return RowKey(line.mapping, line.key)


def _target(
    spec: MappingSpec,
    linked: int | None,
    line: LedgerLine | None,
    row: Row | None,
    names: SystemNames,
) -> str:
    """Returns the record that the row is linked to, else the one that the plan found for it."""
    entity, changes = spec.target.entity, row.changes if row else ()
    adjustment = next((change for change in changes if change.is_append), None)
    if adjustment:
        return where(adjustment, names)
    found = [linked, *(change.record for change in changes if change.entity == entity)]
    record = next((one for one in [*found, line.record if line else None] if one is not None), None)
    if record is not None:
        return f"{entity} {record}"
    is_new = any(change.action is Action.CREATE for change in changes)
    return f"{entity}, new" if is_new else f"{entity}, none yet"


def _change(change: Change, current: CurrentPlan) -> ChangePart:
    view = current.view
    return ChangePart(
        action=DONE[change.action],
        where=where(change, current.plan.names),
        heads=_heads(change, current.plan),
        facts=tuple(_facts(change, current)),
        fields=tuple(
            FieldLine(
                field.field, before(field), after(field), why_changed(field, current.plan.names)
            )
            for field in change.fields
        ),
        notes=tuple(notes(change, view)),
    )


def _heads(change: Change, plan: Plan) -> tuple[str, str]:
    """Returns the column titles: a write-back changes the source, all else the target."""
    source = plan.names.source
    if change.action is Action.WRITE_BACK:
        return f"{source} then", f"{source} now"
    return source, f"{plan.names.target} now"


def _facts(change: Change, current: CurrentPlan) -> Iterator[str]:
    """Returns why the change is made, what it moves, and what applying it means."""
    if change.action is not Action.CREATE:
        yield sentence(why(change, current.plan.names))
    if change.action is Action.ADJUST:
        yield units(change)
    invoice, month = effects([change], current.view)
    yield from filter(None, (invoice, month))
    if change.is_append:
        yield sentence(f"it {stays_text(current.plan.names)}")
    if change.together:
        yield f"It is sent with {count(len(change.together), 'other change')}, or not at all"


def _amount(amount: Decimal | None, plan: Plan) -> str:
    return "" if amount is None else money(amount, plan.currency, signed=True)


def _stake(item: Item, plan: Plan) -> str:
    """Returns the money of the item; an unexplained difference does not wait for anything."""
    amount = _amount(item.monthly, plan)
    text = f"{amount} a month{' waits' if item.is_stopped else ''}" if amount else ""
    return beside(text, price_unknown=item.unpriced > 0)


def _stops(row: Row, current: CurrentPlan) -> Sequence[Stop]:
    return [
        Stop(
            state=str(item.kind),
            is_fault=item.kind is NeedKind.BLOCKED,
            reasons=tuple(_reason(finding, row, current) for finding in item.findings),
            waits_for=chain_text(item.because),
            holds_back=counts(item.holds_back),
            month=_stake(item, current.plan),
        )
        for item in row.items
    ]


def _reason(finding: Finding, row: Row, current: CurrentPlan) -> ReasonText:
    """Returns a finding's text; if its remedy is a decision about the row, it is a form here."""
    shown = reason(finding, current.view)
    decides = finding.commands and all(
        command.mapping == row.ref.mapping and command.key in row.keys
        for command in finding.commands
    )
    return replace(shown, remedy=()) if decides else shown


def _of(decision: Decision, ref: RowKey, row: Row | None) -> bool:
    keys = row.keys if row else (ref.key,)
    return decision.mapping == ref.mapping and decision.key in keys


def _decided(one: Decision) -> str:
    what = f"link to {one.record}" if one.record is not None else str(one.verdict)
    parts = [
        what,
        f"of {one.of}" if one.of else "",
        f"from {one.on.isoformat()}" if one.on else "",
        f"until {one.until.isoformat()}" if one.until else "",
        f"by {one.by}" if one.by else "",
    ]
    text = ", ".join(part for part in parts if part)
    return f"{text}: {one.reason}" if one.reason else text


def _offers(
    verdicts: Sequence[Verdict], plan: Plan, line: LedgerLine | None, *, is_linked: bool
) -> Sequence[Offer]:
    """Returns the possible decisions, without a link, which starts at the search."""
    source, target = plan.names.source, plan.names.target
    offers = {
        Verdict.CREATE: Offer(
            Verdict.CREATE,
            "Add new",
            f"Create a record in {target}, although an existing one resembles it.",
        ),
        Verdict.ACTIVATE: Offer(
            Verdict.ACTIVATE,
            "Switch on again",
            f"Its record in {target} is switched off: switch it on, with the values of {source}.",
        ),
        Verdict.SUCCEED: Offer(
            Verdict.SUCCEED,
            "Take another row's place",
            "The record of another row is handed over to this one.",
            has_row=True,
        ),
        Verdict.ARCHIVE: Offer(
            Verdict.ARCHIVE,
            "Archive",
            f"{target} has this change already: mark it in {source}, send nothing.",
        ),
        Verdict.PUSH: Offer(Verdict.PUSH, "Push", "Send this change anyway.", has_day=True),
        Verdict.CORRECT: Offer(
            Verdict.CORRECT,
            "Correct",
            f"Adjust {target} to the quantity in {source}.",
        ),
        Verdict.IGNORE: Offer(
            Verdict.IGNORE,
            "Ignore",
            "Leave the row, and all rows under it, alone: for good, or until a day.",
            has_until=True,
        ),
    }
    withheld = {Verdict.LINK}
    if is_linked:
        withheld |= {Verdict.CREATE}
    if not is_linked:
        withheld |= {Verdict.ACTIVATE}
    if line is None or not line.difference:
        withheld |= {Verdict.CORRECT}
    return [offers[offer] for offer in offers if offer in verdicts and offer not in withheld]
