"""Compares, for one service on one contract, what should be billed with what is billed.

The law of the ledger: the target's units on the day of comparison, plus all that is pending, equal
the quantity that the source and the policies give. If they do not, nothing is sent that a person
has not decided on.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.catalogue import UNNAMED, SystemNames
from trueup.model.change import NO_TERMS, RowRef, ServiceTerms, UnitRow
from trueup.model.finding import NO_ADVICE, Advice, Command
from trueup.model.mapping import Difference
from trueup.model.money import exact
from trueup.model.plan import HeldUnits, LedgerClass, LedgerLine
from trueup.model.verdict import Verdict


class PendingUnits(Struct, frozen=True):
    """One pending change of a quantity."""

    key: str
    day: date
    units: Decimal
    stopped: bool = False  # held or blocked: pending anyway
    dated: date | None = None  # by the source, where a policy bills it from another day
    due: date | None = None  # its day, where an undo took it back later: it is billed from then
    counts_from: date | None = None
    """Since when money counts, where an undo of it, or of a step beside it, moved its day."""

    needs_day: str = ""  # why a person must name the day from which it is billed
    notes: tuple[str, ...] = ()  # which policy changed its units or its day
    step_units: Decimal = Decimal(0)  # billed units of all changes of its day together
    step_reaches: Decimal = Decimal(0)  # billed units after them


class ServiceLedger(Struct, frozen=True):
    """One row and the service that bills it."""

    row: RowRef
    record: int | None  # the service; None: there is none yet, or it is not known
    coming: bool = False  # it is created by this plan
    quantity: Decimal | None = None  # what should be billed; None: not known
    rows: tuple[UnitRow, ...] = ()  # up to the contract's end as this plan leaves it
    rows_read: tuple[UnitRow, ...] = ()  # as the target has them
    none_is_zero: bool = False  # a day without a row has no units; else they are not known
    changes: tuple[PendingUnits, ...] = ()  # in their order
    after_end: tuple[PendingUnits, ...] = ()
    """Decreases after the contract's end, which are no part of the comparison."""

    has_ended: bool = False
    """It ended with its contract before the plan's day, and earlier changes are still pending."""

    last_day: date | None = None  # that any change is about, pending or not
    terms: ServiceTerms = NO_TERMS
    pending_mapping: str = ""  # the mapping of its changes
    unknown: str = ""  # why the quantity, the units or what is pending are not known
    remedy: Advice = NO_ADVICE  # what to do about that
    later_steps: tuple[tuple[date, int], ...] = ()
    """Steps of its units after the day of comparison that trueup did not make: day, units."""

    unassigned: Advice = NO_ADVICE
    """What to do about a change that cannot be read and may be this row's."""

    is_inferred: bool = False  # the record only fits the row: no decision or link says so
    kept_out: str = ""  # blocked or held: the row by itself is no reason to correct
    under: tuple[RowRef, ...] = ()
    customer: RowRef | None = None
    ceiling: Decimal | None = None  # units above which a person must agree
    refund: str = ""  # the product under which credits are given
    systems: SystemNames = UNNAMED

    def units(self, day: date) -> int | None:
        """Returns the units billed on that day; None if they are unknown."""
        row = next((row for row in self.rows if row.start <= day <= row.end), None)
        if row is not None:
            return row.units
        before_start = self.terms.start is not None and day < self.terms.start
        after_end = self.terms.end is not None and day > self.terms.end
        return 0 if self.none_is_zero or before_start or after_end else None


class LedgerResult(Struct, frozen=True):
    """The result of the comparison: the difference, whether changes may be sent, the correction."""

    line: LedgerLine
    sendable: bool
    correction: Decimal = Decimal(0)  # units that this plan sends besides


def comparison_day(ledger: ServiceLedger, as_of: date) -> date:
    """Returns the latest of as-of, the last day of a change, and the contract's start.

    It is within the contract, unless the contract has ended by as-of. What ended with it is
    compared on its last day, as long as changes of its days are pending: later days cannot show
    them.
    """
    days = [as_of, *(change.day for change in ledger.changes)]
    if ledger.last_day is not None:
        days.append(ledger.last_day)
    if ledger.terms.start is not None:
        days.append(ledger.terms.start)
    day = max(days)
    end = ledger.terms.end or (ledger.rows[-1].end if ledger.rows else None)
    is_within = end is not None and (as_of <= end or ledger.has_ended)
    return min(day, end) if end is not None and is_within else day


def compare(
    ledger: ServiceLedger,
    as_of: date,
    difference: Difference,
    pushed: Iterable[str] = (),
    *,
    correct: bool = False,
    outdated: str = "",
) -> LedgerResult:
    """Returns the ledger's line and what may be done.

    `pushed` are keys of changes that a person decided to push; `correct`: a person decided to
    correct this very difference; `outdated`: why such a decision is about another one.
    """
    day = comparison_day(ledger, as_of)
    changes = ledger.changes
    pending = sum((change.units for change in changes), Decimal(0))
    units = ledger.units(day)
    line = _line(ledger, day, units, pending)
    if ledger.quantity is None or ledger.unknown or units is None:
        text = ledger.unknown or f"not known: no unit row covers {day.day} {day:%b %Y}"
        remedy = ledger.remedy if ledger.unknown else _no_unit_row(ledger)
        return LedgerResult(_worded(line, text, remedy), sendable=False)

    gap = ledger.quantity - units - pending
    automatic = difference.corrects
    obstacle = _obstacle(ledger, gap, as_of, automatic=automatic, decided=correct)
    corrects = bool(gap) and obstacle is None and (correct or automatic)
    correction = correctable(gap, changes) if corrects else Decimal(0)
    all_pushed = bool(changes) and {change.key for change in changes} <= {*pushed}
    sendable = gap == 0 or corrects or all_pushed or difference.sends
    if corrects:
        text, remedy = _correction_text(ledger, gap, correction, changes)
    elif gap:
        text, remedy = _way_out(ledger, changes, obstacle, pushed=all_pushed)
        text = f"{text}; {outdated}" if outdated else text
    else:
        text, remedy = _later(ledger)
    return LedgerResult(replace(_worded(line, text, remedy), difference=gap), sendable, correction)


def complete(line: LedgerLine, moved: int, held: Sequence[HeldUnits]) -> LedgerLine:
    """The line with the effect of this plan: moved units, and pending units that it holds."""
    line = replace(line, moved=moved, held=tuple(held))
    if line.quantity is None or line.units is None or line.class_ is LedgerClass.UNKNOWN:
        return line
    gap_now = line.quantity - line.units
    wrong = gap_now or line.repriced or 0
    if wrong == 0:
        class_ = LedgerClass.MATCH
    elif wrong < 0:
        class_ = LedgerClass.OVER_BILLED
    elif line.class_ is LedgerClass.MISSING:
        class_ = LedgerClass.MISSING
    else:
        class_ = LedgerClass.UNDER_BILLED
    monthly = line.money(gap_now)
    return replace(
        line,
        unexplained=gap_now - moved - line.held_units,
        class_=class_,
        monthly=(
            None if monthly is None or line.repriced is None else exact(monthly) + line.repriced
        ),
    )


def _line(ledger: ServiceLedger, day: date, units: int | None, pending: Decimal) -> LedgerLine:
    """Returns what is known of both sides, before any decision."""
    is_known = ledger.quantity is not None and not ledger.unknown and units is not None
    is_missing = ledger.record is None and not ledger.coming
    class_ = LedgerClass.MISSING if is_missing else LedgerClass.MATCH
    return LedgerLine(
        mapping=ledger.row.mapping,
        key=ledger.row.key,
        name=ledger.row.name,
        record=ledger.record,
        customer=ledger.customer.name if ledger.customer else "",
        customer_row=ledger.customer,
        under=ledger.under,
        day=day,
        quantity=ledger.quantity,
        units=units,
        pending=pending,
        difference=None,
        moved=0,
        held=(),
        unexplained=None,
        class_=class_ if is_known else LedgerClass.UNKNOWN,
        price=ledger.terms.monthly,
        monthly=None,
    )


def _worded(line: LedgerLine, text: str, remedy: Advice) -> LedgerLine:
    return replace(line, text=text, remedy=remedy.text, commands=remedy.commands)


def _no_unit_row(ledger: ServiceLedger) -> Advice:
    return Advice(
        f"wait until {ledger.systems.target} has written the units of that day, and plan again"
    )


def _later(ledger: ServiceLedger) -> tuple[str, Advice]:
    """A note if both sides agree today and not later, because a user entered units for then."""
    if not ledger.later_steps:
        return "", NO_ADVICE
    last = ledger.later_steps[-1][0]
    text = (
        f"{changes_later(ledger, ledger.later_steps)}: {ledger.units(last)} are billed "
        f"from {last} on, and {ledger.quantity:f} should be"
    )
    return text, _compare_on(ledger, last)


def changes_later(ledger: ServiceLedger, steps: Sequence[tuple[date, int]]) -> str:
    """Returns the text about steps of the service's units that trueup did not make.

    `steps` are those of `later_steps` that are named.
    """
    named = " and ".join(f"{units:+d} on {day}" for day, units in steps)
    return (
        f"{ledger.systems.target}'s units change by {named}, "
        "later than any change, and not by trueup"
    )


def _compare_on(ledger: ServiceLedger, day: date) -> Advice:
    return Advice(
        f"`trueup plan --as-of {day}` compares both on that day, with it; "
        f"or correct the units in {ledger.systems.target}"
    )


def correctable(gap: Decimal, pending: Sequence[PendingUnits]) -> Decimal:
    """Returns the part of a correction that no held change reverses once it is sent.

    The rest waits.
    """
    back = sum(
        (change.units for change in pending if change.stopped and change.units * gap < 0),
        Decimal(0),
    )
    return gap + back if abs(back) < abs(gap) else Decimal(0)


def _correction_text(
    ledger: ServiceLedger, gap: Decimal, now: Decimal, pending: Sequence[PendingUnits]
) -> tuple[str, Advice]:
    """Returns the text about the use of a correction."""
    if now == gap:
        return "is corrected by this plan", NO_ADVICE
    held = [change for change in pending if change.stopped and change.units * gap < 0]
    units = sum((change.units for change in held), Decimal(0))
    if now:
        waiting = f"is corrected by {now:+f} in this plan; {gap - now:+f} more wait"
    else:
        waiting = f"a correction by {gap:+f} waits"
    them = "them" if now else "it"
    text = f"{waiting} for what is held: {units:+f} would take {them} back"
    archive = Command.decide(ledger.pending_mapping, held[0].key, Verdict.ARCHIVE)
    return text, Advice.of("wait for it, or ", archive, " if it is not to be sent")


class _Obstacle(Struct, frozen=True):
    """Why a difference is not corrected, and the remedy."""

    why: str
    remedy: Advice
    is_requested: bool  # it would be corrected but for this


def _way_out(
    ledger: ServiceLedger,
    pending: Sequence[PendingUnits],
    obstacle: _Obstacle | None,
    *,
    pushed: bool,
) -> tuple[str, Advice]:
    """Returns why the two sides differ, and the remedy."""
    if pushed:
        return "pushed anyway, as decided", NO_ADVICE
    if ledger.record is None and not ledger.coming:
        return f"not in {ledger.systems.target}", NO_ADVICE
    if ledger.record is None:
        text = "the changes do not add up to the quantity"
    elif pending:
        text = "what is pending does not explain it"
    else:
        text = "nothing pending explains it"
    if obstacle is None:
        return text, _correct(ledger)
    if obstacle.is_requested:
        return f"is not corrected: {obstacle.why}", obstacle.remedy
    return f"{text}; {obstacle.why}", obstacle.remedy


def _correct(ledger: ServiceLedger, *, link: bool = False, decide: bool = True) -> Advice:
    """The decisions that correct the difference."""
    mapping, key = ledger.row.mapping, ledger.row.key
    commands = [Command.link(mapping, key, ledger.record)] if link else []
    commands += [Command.decide(mapping, key, Verdict.CORRECT)] if decide else []
    verb = "adjust" if len(commands) > 1 else "adjusts"
    parts: list[str | Command] = []
    for command in commands:
        parts += [" and ", command] if parts else [command]
    systems = ledger.systems
    return Advice.of(*parts, f" {verb} {systems.target} to {systems.source}")


def _obstacle(
    ledger: ServiceLedger, gap: Decimal, as_of: date, *, automatic: bool, decided: bool
) -> _Obstacle | None:
    """Returns why the difference is not corrected; None if it may be.

    `automatic`: the project corrects; `decided`: a person decided to.
    """
    is_requested = automatic or decided
    if ledger.record is None and not ledger.coming:
        return _Obstacle("there is nothing to adjust", NO_ADVICE, is_requested)
    lasting = _lasting_obstacle(ledger, gap, as_of)
    if lasting:
        return _Obstacle(*lasting, is_requested)
    undecided = not decided and (bool(ledger.kept_out) or not automatic)
    if ledger.is_inferred:
        why = "its service is not linked yet"
        return _Obstacle(why, _correct(ledger, link=True, decide=undecided), is_requested)
    if is_requested and undecided:
        return _Obstacle(f"its row is {ledger.kept_out}, see there", _correct(ledger), is_requested)
    return None


def _lasting_obstacle(
    ledger: ServiceLedger, gap: Decimal, as_of: date
) -> tuple[str, Advice] | None:
    """Why no correction would be right, even by decision, and the remedy; None if one may be."""
    systems = ledger.systems
    end = ledger.terms.end
    if end is not None and as_of > end and not ledger.has_ended:
        why = f"its contract ended on {end} in {systems.target}"
        return why, Advice(f"extend the contract, or end the subscription in {systems.source}")
    if gap != gap.to_integral_value():
        remedy = f"correct the quantity, or the changes of it, in {systems.source}"
        return f"{systems.target} counts whole units", Advice(remedy)
    if ledger.quantity is not None and ledger.quantity < 0:
        return "its quantity is negative", Advice(f"correct the quantity in {systems.source}")
    if ledger.later_steps:
        last = ledger.later_steps[-1][0]
        return changes_later(ledger, ledger.later_steps[:1]), _compare_on(ledger, last)
    if ledger.unassigned.text:
        return "a change that cannot be read may explain it", ledger.unassigned
    return None


def orphan(
    ledger: ServiceLedger, units: int, as_of: date, candidates: Mapping[str, str]
) -> LedgerLine:
    """Returns the line of a service with units that has no row.

    `candidates`: keys of rows that it may belong to, with their names.
    """
    target, mapping, record = ledger.systems.target, ledger.row.mapping, ledger.record
    if candidates:
        links = [
            Advice.of(Command.link(mapping, key, record), f" if it is {name}")
            for key, name in candidates.items()
        ]
        remedy = NO_ADVICE
        for link in links:
            remedy = Advice.of(remedy, ", or " if remedy.text else "", link)
        remedy += f", or set its units to 0 in {target}"
    else:
        remedy = Advice(
            f"`trueup link {mapping} KEY {record}` with the row that it belongs to, "
            f"or set its units to 0 in {target}"
        )
    line = _line(replace(ledger, quantity=Decimal(0)), as_of, units, Decimal(0))
    monthly = line.money(-units)
    return replace(
        _worded(line, "no row is linked to it", remedy),
        quantity=None,
        difference=Decimal(-units),
        unexplained=Decimal(-units),
        class_=LedgerClass.ORPHAN,
        monthly=None if monthly is None else exact(monthly),
    )
