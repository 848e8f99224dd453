"""The head of each page: when both systems were read, and what is too old to be relied on."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from trueup.model.change import RowRef
from trueup.model.finding_codes import DEPENDS
from trueup.model.plan import LedgerClass, PartialRead
from trueup.render.notice import plan_notice
from trueup.render.overview import overview
from trueup.render.plan_html import plan_html
from trueup.render.report import pieces
from trueup.review.current_plan import Reads, current_plan_of
from trueup.review.filters import counted
from trueup.review.head import STALE, Fact, head_of
from trueup.review.rows import rows_of

from tests.render.conftest import full_plan

PLAN = full_plan()
ZONE = ZoneInfo("Europe/London")
AT = datetime(2026, 11, 15, 9, 30, tzinfo=ZONE)


def about(reads, now, plan=PLAN, as_of=None):
    """The facts at the head, by label."""
    project: Any = SimpleNamespace(name="work", mappings={}, notes=(), zone=ZONE, as_of=as_of)
    head = head_of(current_plan_of(project, plan, AT, {}, reads), now)
    return {one.label: one for one in head.about}


def current_of(plan):
    """The plan as the pages show it."""
    project: Any = SimpleNamespace(name="work", mappings={}, notes=(), zone=ZONE, as_of=None)
    return current_plan_of(project, plan, AT, {}, Reads(AT, AT))


def test_the_head_shows_when_each_system_was_read():
    facts = about(Reads(AT, AT + timedelta(minutes=2)), AT + timedelta(minutes=10))

    assert facts["Work 365 read"] == Fact("Work 365 read", "09:30")
    assert facts["Autotask read"] == Fact("Autotask read", "09:32")
    assert facts["Autotask"].text == PLAN.target


def test_the_head_shows_what_was_not_read_in_full():
    reads = tuple(
        PartialRead(entity, 9, 1, f"2026-11-1{n}T09:00:00Z", f"2026-11-1{n}T04:00:00Z")
        for n, entity in ((4, "Companies"), (2, "Contacts"), (3, "Companies"))
    )
    facts = about(Reads(AT, AT), AT, replace(PLAN, partial_reads=reads))

    assert "In part" not in about(Reads(AT, AT), AT)
    assert facts["In part"].text == "Companies; Contacts: in full at 2026-11-12T04:00:00Z"


@pytest.mark.parametrize(
    ("age", "note"),
    [
        (STALE, ""),
        (STALE + timedelta(seconds=1), "1 hour ago: plan again"),
        (timedelta(hours=5), "5 hours ago: plan again"),
    ],
)
def test_a_reading_of_long_ago_is_marked_in_words_and_tone(age, note):
    fact = about(Reads(AT, AT), (AT + age).astimezone(UTC))["Work 365 read"]

    assert (fact.note, fact.tone) == (note, "stop" if note else "")


def test_a_reading_of_yesterday_has_its_day():
    fact = about(Reads(AT, AT), AT + timedelta(days=1))["Autotask read"]

    assert fact == Fact("Autotask read", "2026-11-15 09:30", "24 hours ago: plan again", "stop")


def test_a_plan_of_another_day_is_marked_unless_the_day_is_fixed():
    reads, later = Reads(AT, AT), datetime(2026, 11, 16, 0, 30, tzinfo=ZONE)

    assert about(reads, later)["As of"].note == "not today: plan again"
    assert about(reads, later, as_of=PLAN.as_of)["As of"].note == ""
    assert about(reads, datetime(2026, 11, 15, 23, 30, tzinfo=ZONE))["As of"].note == ""


@pytest.mark.parametrize(("price_unknown", "note"), [(True, "price unknown"), (False, "")])
def test_a_sum_at_the_head_shows_that_a_price_is_unknown(price_unknown, note):
    changes = (replace(PLAN.changes[0], price_unknown=price_unknown),)
    figures = head_of(current_of(replace(PLAN, changes=changes)), AT).figures

    assert [one.note for one in figures[:2]] == [pieces(note)] * 2


def test_a_row_that_needs_a_person_twice_is_counted_once_everywhere():
    """A blocked subscription whose units are not known either."""
    row = PLAN.blocked[0]
    line = replace(PLAN.ledger[0], mapping=row.mapping, key=row.key, name="Cedar", units=None)
    plan = replace(PLAN, ledger=(line,), blocked=(row,), findings=())

    assert needy(plan) == (1, pieces("blocked 1, not known 1; 1 of them twice"))


def test_the_list_of_the_head_has_the_states_that_the_head_counts():
    """A subscription that waits for a row at fault, and whose units are not known."""
    fault, row = RowRef("customer", "bad", "Bad Ltd"), PLAN.blocked[0]
    depends = replace(row.findings[0], code=DEPENDS)
    waits = replace(row, mapping="subscription", key="s", findings=(depends,), because=(fault,))
    line = replace(PLAN.ledger[0], mapping="subscription", key="s", name="Cedar", units=None)
    plan = replace(PLAN, ledger=(line,), blocked=(row, waits), findings=(), changes=())
    current = current_of(plan)

    listed = counted(row.states for row in current.needy_rows)

    assert needy(plan) == (2, pieces("blocked 1, not known 1"))
    assert listed == {"blocked": 1, "not known": 1}
    assert current.by_row["subscription", "s"].states == ("blocked", "not known")


def test_two_services_without_a_row_are_two_even_with_one_name():
    orphan = next(line for line in PLAN.ledger if line.class_ is LedgerClass.ORPHAN)
    lines = tuple(replace(orphan, record=record) for record in (7, 8))

    assert needy(replace(PLAN, ledger=lines, blocked=(), findings=())) == (2, pieces("differs 2"))


def test_a_notice_has_the_money_of_all_the_rows_that_it_counts():
    occasion = plan_notice(PLAN, "d").occasions[0]
    project: Any = SimpleNamespace(mappings={}, notes=())
    listed = [row.needs for row in rows_of(project, overview(PLAN))]

    assert (occasion.many, occasion.money) == (5, Decimal("9.33"))
    assert occasion.money == sum(amount for amount in listed if amount is not None)
    assert occasion.unpriced == 1


def needy(plan):
    """How many rows need a person, wherever that is shown; and what the head says of them."""
    current = current_of(plan)
    figure = head_of(current, AT).figures[-1]
    shown = plan_html(plan).partition("<dt>Needs a person</dt>")[2]
    counts = {
        int(figure.figure),
        plan_notice(plan, "d").occasions[0].many,
        int(re.search(r"<strong[^>]*>(.*?)</strong>", shown)[1]),
        sum(row.needs_person for row in current.rows),
    }
    assert len(counts) == 1
    return counts.pop(), figure.note


def test_the_first_step_reads_the_source_and_the_next_the_target():
    moments = [AT + timedelta(minutes=n) for n in range(3)]

    assert Reads.of(moments) == Reads(moments[0], moments[1])
    assert Reads.of(moments[:1]) == Reads(AT, AT)
