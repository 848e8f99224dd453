"""Before apply the plan says what the invoices will say: over contracts of any kind.

What it shows of each contract service must be the difference of the sandbox's unit rows: price x
units x days / days of the period, over the periods of the next invoice that are not posted.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.scenarios.beginnings import PERIODS, Service
from tests.scenarios.expected import assert_sums
from tests.scenarios.invoices import Billed, billed_by_service, month_later
from tests.scenarios.world import World

AS_OF = date(2026, 11, 15)
TINY = Decimal("0.000001")
LIMITS = {
    "changes_from: 2026-10-01": "changes_from: 2020-01-01",
    "monthly_effect: 5000": "monthly_effect: 10000000",
    "one_off_effect: 5000": "one_off_effect: 10000000",
    "seats: 500": "seats: 10000",
}


@st.composite
def services(draw, key):
    """A contract of any period, price and start, with pending changes around today."""
    unit = draw(st.sampled_from([*PERIODS]))
    months = PERIODS[unit][1]
    start = draw(st.dates(date(2025, 1, 1), date(2026, 11, 30)))
    end = month_later(start, draw(st.integers(13, 36))) - timedelta(days=draw(st.integers(0, 20)))
    longer = draw(st.sampled_from([0, 0, 12]))
    end_in_work365 = month_later(end, longer)
    billed = draw(st.one_of(st.none(), st.integers(0, 40)))
    posted = draw(st.integers(0, 24)) * months
    last_posted = month_later(start, posted) - timedelta(days=1) if posted else None
    is_posted = last_posted is not None and last_posted < min(end, AS_OF + timedelta(days=60))
    last = min(end, AS_OF + timedelta(days=80))
    first = max(start, min(last, AS_OF) - timedelta(days=100))
    days = draw(st.sets(st.dates(first, last), max_size=3))
    # Units that somebody keyed in: a difference, which the plan may correct.
    keyed_on = draw(st.none() if billed is None else st.none() | st.dates(start, last))
    keyed = {str(keyed_on): draw(st.integers(1, 5))} if keyed_on not in {None, start} else {}
    changes, now = {}, billed or 0
    for day in sorted(days):
        units = draw(st.integers(-now, 20).filter(bool))
        changes[str(day)] = units
        now += units
    return Service(
        key=key,
        seats=now,
        billed=billed,
        keyed=keyed,
        changes=changes,
        price=str(draw(st.decimals("0.01", "250", places=2))),
        unit=unit,
        start=str(start),
        end=str(end),
        end_in_work365=str(end_in_work365),
        posted=str(last_posted) if is_posted else "",
        in_autotask=billed is not None or draw(st.booleans()),
        row={} if billed is not None else {"psa_system_id": None},
    )


@st.composite
def worlds(draw):
    """One to four contracts; whether a person pushes all changes; lines of the mapping."""
    count = draw(st.integers(1, 4))
    drawn = [draw(services(f"s{number}")) for number in range(count)]
    days = st.sampled_from(["as_dated", "as_dated", "next_period", "first_of_month"])
    lines = {
        "difference: hold": f"difference: {draw(st.sampled_from(['hold', 'report', 'correct']))}",
        "increase: {on: as_dated}": f"increase: {{on: {draw(days)}}}",
        "decrease: {on: as_dated}": f"decrease: {{on: {draw(days)}}}",
    }
    return drawn, draw(st.booleans()), lines


def by_service(world: World) -> dict[str, Billed]:
    """What each subscription's contract service bills."""
    records = world.all_records()
    billed = billed_by_service(records, world.as_of)
    return {
        service["internalDescription"].removeprefix("W365 "): billed[service["id"]]
        for service in records["ContractServices"]
    }


LATER_RUN = (
    [
        Service(key="s0", billed=1, seats=1, start="2026-05-14", posted="2026-12-13"),
        Service(
            key="s1",
            seats=17,
            changes={"2026-11-19": 3, "2026-12-20": 14},
            start="2026-11-09",
            in_autotask=False,
            row={"psa_system_id": None},
        ),
    ],
    True,
    {},
)
"""What is posted for s0 tells that the next invoice of s1 has two periods."""

PHASES = [Phase.explicit, Phase.reuse, Phase.generate]  # shrinking takes minutes


@settings(
    max_examples=max(1, settings.default.max_examples // 2),
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@example(LATER_RUN)
@given(worlds())
def test_the_invoice_effect_is_the_difference_of_the_unit_rows(drawn):
    given_services, pushed, lines = drawn
    decisions = [
        f"  - {{mapping: license_change, key: {key}, do: push, reason: late}}"
        for service in given_services
        for key in service.log_keys
    ]
    edits = {
        "trueup.yaml": LIMITS,
        "mappings/subscription.yaml": lines,
    }
    if pushed and decisions:
        edits["mappings/decisions.yaml"] = {"decisions: []": "decisions:\n" + "\n".join(decisions)}
    with TemporaryDirectory(prefix="trueup-") as folder:
        world = World(Path(folder) / "world", *given_services, as_of=str(AS_OF), edits=edits)
        check(world)


def check(world: World) -> None:
    plan = world.plan()
    assert_sums(plan)
    assert plan.exceeded == ()
    shown: dict[str, Billed] = defaultdict(lambda: Billed(Decimal(0), Decimal(0)))
    contracts = {service.contract_key: service.key for service in world.services}
    for change in plan.changes:
        if change.invoice:  # of an adjustment, or of a contract that is extended
            row = change.adjustment.row.key if change.adjustment else contracts[change.keys[0]]
            shown[row] += Billed(change.invoice.amount, change.monthly or Decimal(0))
    before = by_service(world)
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    after = by_service(world)

    nothing = Billed(Decimal(0), Decimal(0))
    for key in {*before, *after, *shown}:
        was, becomes = before.get(key, nothing), after.get(key, nothing)
        assert abs(becomes.invoice - was.invoice - shown[key].invoice) < TINY, key
        assert abs(becomes.run_rate - was.run_rate - shown[key].run_rate) < TINY, key
    total = sum((becomes.invoice for becomes in after.values()), Decimal(0)) - sum(
        (was.invoice for was in before.values()), Decimal(0)
    )
    assert abs(total - plan.summary.invoice.net) < TINY

    again = world.plan()
    assert [change.name for change in again.changes] == []
    held, was_held = again.summary.ledger.held, plan.summary.ledger.held
    assert replace(held, monthly=was_held.monthly) == was_held
    assert abs(held.monthly - was_held.monthly) < TINY  # parts of a line are rounded to add up
