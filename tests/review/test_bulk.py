"""Decisions about several rows: what a month is, and which rows of a merged change are meant."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from trueup.model.verdict import Verdict
from trueup.render.overview import overview
from trueup.review.bulk import DISMISSED, NOT_PENDING, NOTHING_TICKED, dismissals
from trueup.review.forms import Form, FormError
from trueup.review.rows import rows_of

from tests.render.conftest import full_plan
from tests.review.test_rows import project_of


def current(zone="Europe/London", as_of=None, rows=()):
    mappings = {"license_change": SimpleNamespace(append=True)}
    project = SimpleNamespace(zone=ZoneInfo(zone), as_of=as_of, mappings=mappings)
    return SimpleNamespace(project=project, by_row={row.ref: row for row in rows})


@pytest.mark.parametrize(
    ("now", "zone", "until"),
    [
        (datetime(2026, 11, 15, 12, tzinfo=UTC), "Europe/London", date(2026, 11, 30)),
        (datetime(2028, 2, 1, tzinfo=UTC), "Europe/London", date(2028, 2, 29)),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Europe/London", date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Europe/Berlin", date(2027, 1, 31)),
        (datetime(2026, 12, 1, 0, 30, tzinfo=UTC), "America/New_York", date(2026, 11, 30)),
    ],
)
def test_a_month_ends_in_the_business_time_zone(now, zone, until):
    form = Form({"row": ["license_change:a:b"]})
    [decisions] = dismissals(form, current(zone), now)

    assert (decisions.mapping, decisions.key, decisions.verdict) == (
        "license_change",
        "a:b",
        Verdict.IGNORE,
    )
    assert (decisions.until, decisions.reason) == (until, DISMISSED)


def test_the_month_is_that_of_a_fixed_day():
    form = Form({"row": ["license_change:a"]})
    [decisions] = dismissals(
        form, current(as_of=date(2026, 9, 3)), datetime(2026, 11, 15, tzinfo=UTC)
    )

    assert decisions.until == date(2026, 9, 30)


def test_changes_that_were_merged_are_dismissed_together():
    change = next(one for one in full_plan().changes if one.adjustment)
    merged = replace(change, id="merged", mapping="license_change", keys=("a", "b"))
    plan = replace(full_plan(), changes=(merged,), blocked=(), findings=(), ledger=())
    [row] = rows_of(project_of(plan), overview(plan))
    form = Form({"row": ["license_change:a"]})
    found = dismissals(form, current(rows=[row]), datetime(2026, 11, 15, tzinfo=UTC))

    assert [one.key for one in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("rows", "text"), [([], NOTHING_TICKED), (["license_change:a", "customer:b"], NOT_PENDING)]
)
def test_nothing_but_pending_changes_is_dismissed(rows, text):
    with pytest.raises(FormError, match=text):
        dismissals(Form({"row": rows}), current(), datetime(2026, 11, 15, tzinfo=UTC))
