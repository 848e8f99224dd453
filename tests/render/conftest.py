"""Hand-made plans, with everything in them that output has to show."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.model.finding import Finding, Place, Severity
from engine.model.outcome import ChangeOutcome, ChangeStatus, Outcome
from engine.model.plan import (
    Action,
    Blocked,
    Change,
    FieldChange,
    GuardExceeded,
    LedgerClass,
    LedgerLine,
    LeftOut,
    Plan,
    Reason,
    Summary,
    Unknown,
)
from engine.model.run import Entry, Run, RunStatus, Step
from engine.render.told import Told

GOLDEN = Path(__file__).parent / "golden"


def field(name, before, after, reason=Reason.SOURCE):
    shown = "" if isinstance(after, Unknown) else str(after)
    return FieldChange(name, before, after, reason, "" if before is None else str(before), shown)


def change(id_, action, mapping, name, **more):
    tab, entity = {
        "service": ("Products", "Services"),
        "customer": ("Customers", "Companies"),
        "contact": ("Customers", "Contacts"),
        "contract": ("Agreements", "Contracts"),
        "subscription": ("Agreements", "ContractServices"),
        "license_change": ("Changes", "ContractServiceAdjustments"),
    }[mapping]
    place = Place(f"mappings/{mapping}.yaml", 2, 1)
    return Change(id_, action, mapping, (id_,), name, tab, more.pop("entity", entity), place, **more)


def ledger(class_, name, figures, monthly, text=""):
    quantity, units, pending = figures
    difference = Decimal((quantity or 0) - units - pending)
    return LedgerLine(
        mapping="subscription",
        key=name,
        name=name,
        record=7,
        customer="Dunmore Surveyors",
        day=date(2026, 11, 15),
        quantity=None if quantity is None else Decimal(quantity),
        units=units,
        pending=pending,
        difference=difference,
        class_=class_,
        monthly=monthly,
        price=None,
        text=text,
    )


def changes():
    new = Unknown("create-bright")
    sent = {"contractServiceID": 4711, "effectiveDate": date(2026, 11, 15), "unitChange": 3}
    return (
        change("l1", Action.LINK, "service", "Microsoft 365 Business Basic", record=12, how="match"),
        change(
            "u1",
            Action.UPDATE,
            "customer",
            "Alpine Dental AG",
            record=29683,
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
            fields=(field("companyName", "Elm and Oak", "Elm & Oak", Reason.DRIFT),),
        ),
        *(
            change(
                f"t{n}",
                Action.UPDATE,
                "customer",
                f"Customer {n}",
                record=n,
                fields=(field("companyType", "Lead", "Customer", Reason.MAPPING),),
            )
            for n in range(1, 8)
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
            fields=(field("companyID", "29683", new), field("endDate", "2026-12-31", "2027-12-31")),
        ),
        change(
            "a1",
            Action.ADJUST,
            "license_change",
            "Alpine Dental AG, Microsoft 365 Business Premium, yearly",
            values=sent,
            units=(12, 15),
            monthly=Decimal("50.40"),
            one_off=Decimal("21.333"),
            notes=("2026-11-10 has an adjustment already: moved to the next free open day",),
        ),
        change(
            "a2",
            Action.ADJUST,
            "license_change",
            "Elm & Oak, Exchange Online P1",
            values={**sent, "unitChange": -1},
            units=(4, 3),
            price_unknown=True,
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


def blocked():
    phone = Finding(
        "phone-is-valid",
        Severity.ERROR,
        '"n/a" is not a phone number in GB',
        remedy="enter a main phone on the account in Work 365",
        place=Place("rules/customer.yaml", 4, 5),
        mapping="customer",
        key="c3",
        name="Cedar & Vine Catering",
    )
    back = {"contact": 1, "contract": 1, "subscription": 3, "license_change": 4}
    depends = Finding("depends-on-blocked", Severity.ERROR, "depends on customer c3, which is blocked")
    chain = (("customer", "c3", "Cedar & Vine Catering"),)
    return (
        Blocked("customer", "c3", "Cedar & Vine Catering", "Customers", (phone,), (), back),
        Blocked("contract", "k3", "Cedar main", "Agreements", (depends,), chain),
    )


def findings():
    posted = Finding(
        "posted-period",
        Severity.HOLD,
        "2026-09-03 lies in a posted period; the first open day is 2026-11-01",
        remedy="decide `push` to bill from 2026-11-01, or `archive`",
        mapping="license_change",
        key="9",
        name="Dunmore Surveyors, Exchange Online P1",
    )
    unused = Finding(
        "unused-setting",
        Severity.WARNING,
        "setting default_refund_product is used by no mapping and no rule",
        place=Place("trueup.yaml", 31, 3),
    )
    return (*blocked()[0].findings, posted, unused)


@pytest.fixture
def a_plan():
    """A plan with one of everything."""
    made = changes()
    actions = {str(action): sum(c.action is action for c in made) for action in Action}
    price = Decimal("3.20")
    return Plan(
        project="p" * 64,
        as_of=date(2026, 11, 15),
        lineage="",
        serial=0,
        source="examples/work365",
        target="sandbox",
        currency="GBP",
        changes=made,
        waves=(tuple(c.id for c in made[:10]), tuple(c.id for c in made[10:])),
        findings=findings(),
        blocked=blocked(),
        left_out=(
            LeftOut("subscription", "not billable", tuple(f"Subscription {n}" for n in range(9)), "not-billable"),
        ),
        ledger=(
            ledger(LedgerClass.MATCH, "Alpine, Premium", (15, 15, 0), Decimal(0)),
            ledger(LedgerClass.OVER_BILLED, "Visio P2", (1, 3, 0), -2 * price),
            ledger(
                LedgerClass.UNDER_BILLED,
                "Exchange Online P1",
                (20, 18, 0),
                2 * price,
                "held: nothing pending explains it",
            ),
            ledger(LedgerClass.ORPHAN, "Project P3", (None, 5, 0), None, "no subscription in Work 365"),
        ),
        exceeded=(GuardExceeded("creates", "12 creates in Companies, 10 allowed"),),
        summary=Summary(
            source_rows=1084,
            source_tables=7,
            records=214,
            read_calls=9,
            apply_calls=58,
            monthly=Decimal("231.204"),
            prices_unknown=1,
            prices_zero=2,
            actions=actions,
            blocked=2,
            held=1,
        ),
    )


@pytest.fixture
def nothing(a_plan):
    """A plan of two systems that agree."""
    summary = replace(
        a_plan.summary, monthly=Decimal(0), prices_unknown=0, prices_zero=0, actions={}, blocked=0, held=0
    )
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
def golden():
    """Compares a whole output with the file of that name; `GOLDEN=write` writes it, to be read."""

    def same(name, text):
        if os.environ.get("GOLDEN") == "write":
            (GOLDEN / name).write_text(text, encoding="utf-8")
        assert text == (GOLDEN / name).read_text(encoding="utf-8")

    return same


@pytest.fixture
def outcome():
    """An apply in which everything happened that can."""
    return Outcome(
        run="20261115-090000-7f3a",
        changes=(
            ChangeOutcome("1", "Alpine Dental AG", ChangeStatus.APPLIED),
            ChangeOutcome("2", "Elm & Oak", ChangeStatus.ALREADY),
            ChangeOutcome(
                "3",
                "Brightwater Logistics Ltd",
                ChangeStatus.FAILED,
                text="Value of field phone is required.\nmappings/customer.yaml:14:3: phone",
                remedy="enter a main phone on the account in Work 365",
            ),
            ChangeOutcome("4", "Main contract", ChangeStatus.SKIPPED, because="Brightwater Logistics Ltd"),
            ChangeOutcome(
                "5",
                "Alpine Dental AG, Exchange Online P1",
                ChangeStatus.IN_DOUBT,
                text="the connection was lost after the adjustment was sent",
                sent=datetime(2026, 11, 15, 9, 0, 2, 500, UTC),
                until=datetime(2026, 11, 15, 9, 5, 2, 500, UTC),
            ),
            ChangeOutcome("6", "Visio P2", ChangeStatus.HELD, text="units moved from 3 to 4 since planning"),
        ),
        calls=17,
    )


@pytest.fixture
def told(a_plan):
    """A run in which an adjustment was proven, an update refused, and the rest not tried."""
    at = datetime(2026, 11, 15, 8, 0, tzinfo=UTC)
    proof = ({"id": 9, "startDate": "2026-11-15", "endDate": "2026-12-14", "units": 15},)
    entries = (
        Entry("a1", Step.STARTED, at, seq=1),
        Entry("a1", Step.ANSWERED, at + timedelta(seconds=1), {"answer": "200, itemId null"}, seq=2),
        Entry("a1", Step.DONE, at + timedelta(seconds=2), {"proof": proof}, seq=3),
        Entry("u1", Step.STARTED, at + timedelta(seconds=3), seq=4),
        Entry("u1", Step.FAILED, at + timedelta(seconds=4), {"error": "=Phone \x1b[31mis not valid"}, seq=5),
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
    return Told(run, a_plan, entries)
