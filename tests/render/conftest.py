"""Hand-made plans, with everything in them that output has to show."""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from trueup.model.catalogue import SystemNames
from trueup.model.change import (
    Action,
    Adjustment,
    Change,
    FieldChange,
    InvoiceEffect,
    Reason,
    RowRef,
    Unknown,
)
from trueup.model.finding import Finding, Place, Severity
from trueup.model.history import RunHistory
from trueup.model.outcome import ChangeOutcome, ChangeStatus, Outcome
from trueup.model.plan import (
    Blocked,
    GuardExceeded,
    HeldUnits,
    LedgerClass,
    LedgerLine,
    LeftOut,
    OwnerMappings,
    PartialRead,
    Plan,
)
from trueup.model.run import Entry, Run, RunStatus, Step
from trueup.stages.ledger_totals import totals
from trueup.stages.summary import Counts, summarize

GOLDEN = Path(__file__).parent / "golden"


def field(name, before, after, reason=Reason.SOURCE):
    shown = "" if isinstance(after, Unknown) else str(after)
    return FieldChange(name, before, after, reason, "" if before is None else str(before), shown)


def change(id_, action, mapping, name, **more):
    """A change of one row; its tab and entity follow from the mapping."""
    tab, entity = {
        "service": ("Products", "Services"),
        "customer": ("Customers", "Companies"),
        "contact": ("Customers", "Contacts"),
        "contract": ("Agreements", "Contracts"),
        "subscription": ("Agreements", "ContractServices"),
        "license_change": ("Changes", "ContractServiceAdjustments"),
    }[mapping]
    place = Place(f"mappings/{mapping}.yaml", 2, 1)
    return Change(
        id_, action, mapping, (id_,), name, tab, more.pop("entity", entity), place, **more
    )


CUSTOMER = RowRef("customer", "c4", "Dunmore Surveyors")
ALPINE = RowRef("customer", "u1", "Alpine Dental AG")
ELM = RowRef("customer", "u2", "Elm & Oak")
BRIGHTWATER = RowRef("customer", "create-bright", "Brightwater Logistics Ltd")


def ledger(class_, name, figures, price, text="", held=()):
    """A line: `figures` are the quantity, the units and what is pending; `price` a unit and month.

    All that is pending and not held is moved by the plan.
    """
    quantity, units, pending = figures
    known = quantity is not None or class_ is LedgerClass.ORPHAN
    open_ = Decimal((quantity or 0) - units) if known else None
    stopped = sum((one.units for one in held), Decimal(0))
    return LedgerLine(
        mapping="subscription",
        key="" if class_ is LedgerClass.ORPHAN else name,
        name=name,
        record=7,
        customer=CUSTOMER.name,
        customer_row=CUSTOMER,
        under=(RowRef("contract", "k4", "Dunmore-CSP"), RowRef("service", name, name), CUSTOMER),
        day=date(2026, 11, 15),
        quantity=None if quantity is None else Decimal(quantity),
        units=units,
        pending=Decimal(pending),
        difference=None if open_ is None else open_ - pending,
        moved=int(pending - stopped),
        held=held,
        unexplained=None if open_ is None else open_ - pending,
        class_=class_,
        price=price,
        monthly=None if price is None or open_ is None else price * open_,
        text=text,
    )


def changes():
    new = Unknown("create-bright")
    sent = {"contractServiceID": 4711, "effectiveDate": date(2026, 11, 15), "unitChange": 3}
    from_day = Adjustment(date(2026, 11, 15), RowRef("subscription", "s1", "Premium"), 4711)
    november = (date(2026, 11, 1), date(2026, 11, 30))
    premium, exchange = RowRef("service", "p1", "Premium"), RowRef("service", "p2", "Exchange")
    return (
        change(
            "l1", Action.LINK, "service", "Microsoft 365 Business Basic", record=12, how="match"
        ),
        change(
            "u1",
            Action.UPDATE,
            "customer",
            "Alpine Dental AG",
            record=29683,
            under=(ALPINE,),
            fields=(
                field("companyNumber", '"A-1007"', '"A-1070"', Reason.DRIFT),
                field("phone", "+41 44 668 18 00", "+41 44 668 18 01"),
            ),
        ),
        change(
            "create-bright",
            Action.CREATE,
            "customer",
            "Brightwater Logistics Ltd",
            under=(BRIGHTWATER,),
            fields=(
                field("companyName", None, "Brightwater Logistics Ltd", Reason.NEW),
                field("phone", None, "+44 20 7946 0000", Reason.NEW),
            ),
        ),
        change(
            "u2",
            Action.UPDATE,
            "customer",
            "Elm & Oak",
            record=29690,
            under=(ELM,),
            fields=(field("companyName", "Elm and Oak", "Elm & Oak", Reason.DRIFT),),
        ),
        *(
            change(
                f"t{n}",
                Action.UPDATE,
                "customer",
                f"Customer {n}",
                record=n,
                under=(RowRef("customer", f"t{n}", f"Customer {n}"),),
                fields=(field("companyType", "Lead", "Customer", Reason.MAPPING),),
            )
            for n in range(1, 8)
        ),
        change(
            "k9",
            Action.CREATE,
            "contract",
            "Brightwater-CSP",
            fields=(field("setupFee", None, "500", Reason.NEW),),
            one_off=Decimal(500),
            under=(BRIGHTWATER,),
        ),
        change(
            "e1",
            Action.DEACTIVATE,
            "contract",
            "Old contract",
            record=88,
            fields=(field("status", "Active", "Inactive"),),
        ),
        change(
            "e2",
            Action.UPDATE,
            "contract",
            "Main contract of Brightwater",
            record=90,
            under=(BRIGHTWATER,),
            fields=(field("companyID", "29683", new), field("endDate", "2026-12-31", "2027-12-31")),
        ),
        change(
            "a1",
            Action.ADJUST,
            "license_change",
            "Alpine Dental AG, Microsoft 365 Business Premium, yearly",
            values=sent,
            adjustment=from_day,
            units=(12, 15),
            monthly=Decimal("50.40"),
            invoice=InvoiceEffect(*november, Decimal("48.21333333"), Decimal("21.33333333")),
            one_off=Decimal("21.33333333"),
            under=(from_day.row, RowRef("contract", "k1", "Alpine-CSP"), premium, ALPINE),
            notes=("2026-11-10 has an adjustment already: moved to the next free open day",),
        ),
        change(
            "a2",
            Action.ADJUST,
            "license_change",
            "Elm & Oak, Exchange Online P1",
            values={**sent, "unitChange": -1},
            adjustment=from_day,
            units=(4, 3),
            price_unknown=True,
            under=(RowRef("contract", "k2", "Elm-CSP"), exchange, ELM),
        ),
        change(
            "a3",
            Action.ADJUST,
            "license_change",
            "Elm & Oak, Premium",
            values={**sent, "unitChange": -2},
            adjustment=from_day,
            units=(9, 7),
            monthly=Decimal("-33.60"),
            invoice=InvoiceEffect(*november, Decimal("-17.92666667")),
            lost=Decimal("-4.335"),
            under=(RowRef("contract", "k2", "Elm-CSP"), premium, ELM),
        ),
        *(
            change(
                f"w{n}",
                Action.WRITE_BACK,
                "license_change",
                f"+{n} of something",
                entity="license_change",
                fields=(field("status", "Active", "Archived", Reason.NEW),),
            )
            for n in range(1, 4)
        ),
    )


CEDAR = RowRef("customer", "c3", "Cedar & Vine Catering")
PHONE = Finding(
    "phone-is-valid",
    Severity.ERROR,
    '"n/a" is not a phone number in GB',
    remedy="enter a main phone on the account in Work 365",
    place=Place("rules/customer.yaml", 4, 5),
    mapping=CEDAR.mapping,
    key=CEDAR.key,
    name=CEDAR.name,
)
POSTED = Finding(
    "posted-period",
    Severity.HOLD,
    "2026-09-03 lies in a posted period; the first open day is 2026-11-01",
    remedy="decide `push` to bill from 2026-11-01, or `archive`",
    mapping="license_change",
    key="9",
    name="Dunmore Surveyors, Exchange Online P1",
)
UNUSED = Finding(
    "unused-setting",
    Severity.WARNING,
    "setting default_refund_product is used by no mapping and no rule",
    place=Place("trueup.yaml", 31, 3),
)


def blocked():
    """A customer at fault, a contract that depends on it, and a change that waits."""
    back = {"contact": 1, "contract": 1, "subscription": 3, "license_change": 4}
    depends = Finding(
        "depends-on-blocked", Severity.ERROR, "depends on customer c3, which is blocked"
    )
    return (
        Blocked(*CEDAR, "Customers", (PHONE,), (), back),
        Blocked("contract", "k3", "Cedar main", "Agreements", (depends,), (CEDAR,)),
        Blocked("license_change", "9", POSTED.name, "Changes", (POSTED,)),
    )


def ledger_lines():
    """A line of each class, with what is held and what nothing explains."""
    price = Decimal("3.20")
    posted = RowRef(POSTED.mapping, POSTED.key, POSTED.name)
    waits = HeldUnits(Decimal(2), POSTED.code, POSTED.text, ("9",), posted)
    phone = HeldUnits(Decimal(4), PHONE.code, PHONE.text, ("11",), CEDAR)
    unknown = ledger(LedgerClass.UNKNOWN, "Power BI", (None, 5, 0), price, "2 rows fit it")
    return (
        ledger(LedgerClass.MATCH, "Alpine, Premium", (15, 15, 0), price),
        ledger(LedgerClass.OVER_BILLED, "Visio P2", (1, 3, 0), price, "nothing explains it"),
        ledger(LedgerClass.UNDER_BILLED, "Exchange Online P1", (20, 18, 2), price, "", (waits,)),
        ledger(LedgerClass.MISSING, "Defender", (4, 0, 4), Decimal("2.3333333333"), "", (phone,)),
        ledger(LedgerClass.UNDER_BILLED, "Premium", (15, 12, 3), Decimal("16.80")),
        ledger(LedgerClass.ORPHAN, "Project P3", (None, 5, 0), None, "no row is linked to it"),
        unknown,
    )


def five_thousand():
    """As many adjustments, of 500 customers, each a seventh of a pound dearer than the one before.

    That is £1,785,357.14 a month.
    """
    day = Adjustment(date(2026, 11, 15), RowRef("subscription", "s1", "Premium"), 4711)
    return tuple(
        change(
            f"a{n}",
            Action.ADJUST,
            "license_change",
            f"Licence {n}",
            units=(n, n + 1),
            adjustment=day,
            monthly=Decimal(n) / 7,
            under=(RowRef("customer", f"c{n % 500}", f"Customer {n % 500}"),),
        )
        for n in range(5000)
    )


@pytest.fixture
def a_plan():
    """A plan with one of everything."""
    return full_plan()


def full_plan():
    """The same, where no fixture can be used."""
    made, rows, lines = changes(), blocked(), ledger_lines()
    counts = Counts(1084, 7, 214, 9, 58)
    return Plan(
        project="p" * 64,
        as_of=date(2026, 11, 15),
        lineage="",
        serial=0,
        source="examples/work365",
        target="sandbox",
        currency="GBP",
        names=SystemNames("Work 365", "Autotask"),
        owners=OwnerMappings("customer", ("service",), ("contract",)),
        changes=made,
        waves=(tuple(c.id for c in made[:10]), tuple(c.id for c in made[10:])),
        findings=(*(finding for row in rows[::2] for finding in row.findings), UNUSED),
        blocked=rows,
        left_out=(
            LeftOut(
                "subscription",
                "not billable",
                tuple(f"Subscription {n}" for n in range(9)),
                "not-billable",
            ),
        ),
        ledger=lines,
        exceeded=(GuardExceeded("creates", "creates", "12 creates in Companies, 10 allowed"),),
        summary=summarize(counts, made, rows, totals(lines)),
    )


@pytest.fixture
def nothing(a_plan):
    """A plan of two systems that agree."""
    summary = summarize(Counts(1084, 7, 214, 9, 0), ())
    empty = {
        "changes": (),
        "waves": (),
        "findings": (),
        "blocked": (),
        "left_out": (),
        "ledger": (),
        "exceeded": (),
    }
    return replace(a_plan, summary=summary, **empty)


@pytest.fixture
def in_part(nothing):
    """The same, with an entity that was not read in full, and what is to be said of that."""
    partial = PartialRead("Companies", 1204, 3, "2026-11-30T04:12:00Z", "2026-11-29T08:00:00Z")
    text = (
        "Companies: of 1,204 records only the 3 that changed since 2026-11-30T04:12:00Z "
        "were read, all of them at 2026-11-29T08:00:00Z"
    )
    return replace(nothing, partial_reads=(partial,)), text


@pytest.fixture
def golden():
    """Compares a whole output with the file of that name; `GOLDEN=write` writes it, to be read."""

    def same(name, text):
        if os.environ.get("GOLDEN") == "write":
            (GOLDEN / name).write_text(text, encoding="utf-8")
        assert text == (GOLDEN / name).read_text(encoding="utf-8")

    return same


def ended(change, name, status, mapping="customer", action=Action.UPDATE, **more):
    """How one change ended."""
    return ChangeOutcome(change, name, status, mapping, action, **more)


@pytest.fixture
def outcome():
    """An apply in which everything happened that can."""
    return Outcome(
        run="20261115-090000-7f3a",
        changes=(
            ended("1", "Alpine Dental AG", ChangeStatus.APPLIED),
            ended("2", "Elm & Oak", ChangeStatus.ALREADY),
            ended(
                "3",
                "Brightwater Logistics Ltd",
                ChangeStatus.FAILED,
                text="Value of field phone is required.\nmappings/customer.yaml:14:3: phone",
                remedy="enter a main phone on the account in Work 365",
            ),
            ended("4", "Main contract", ChangeStatus.SKIPPED, because="Brightwater Logistics Ltd"),
            ended(
                "5",
                "Alpine Dental AG, Exchange Online P1",
                ChangeStatus.IN_DOUBT,
                text="the connection was lost after the adjustment was sent",
                sent=datetime(2026, 11, 15, 9, 0, 2, 500, UTC),
                until=datetime(2026, 11, 15, 9, 5, 2, 500, UTC),
            ),
            ended(
                "6", "Visio P2", ChangeStatus.HELD, text="units moved from 3 to 4 since planning"
            ),
        ),
        calls=17,
    )


@pytest.fixture
def run_history(a_plan):
    """A run in which an adjustment was proven, an update refused, and the rest not tried."""
    at = datetime(2026, 11, 15, 8, 0, tzinfo=UTC)
    proof = ({"id": 9, "startDate": "2026-11-15", "endDate": "2026-12-14", "units": 15},)
    entries = (
        Entry("a1", Step.STARTED, at, seq=1),
        Entry(
            "a1", Step.ANSWERED, at + timedelta(seconds=1), {"answer": "200, itemId null"}, seq=2
        ),
        Entry("a1", Step.DONE, at + timedelta(seconds=2), {"proof": proof}, seq=3),
        Entry("u1", Step.STARTED, at + timedelta(seconds=3), seq=4),
        Entry(
            "u1",
            Step.FAILED,
            at + timedelta(seconds=4),
            {"error": "=Phone \x1b[31mis not valid"},
            seq=5,
        ),
        Entry("e1", Step.STARTED, at + timedelta(seconds=5), seq=6),
    )
    run = Run(
        "20261115-090000-7f3a",
        "d" * 64,
        "",
        "anna",
        "billing-1",
        at,
        RunStatus.PARTIAL,
        at + timedelta(minutes=2),
    )
    return RunHistory(run, a_plan, entries)
