"""A plan says what it cost and what applying will cost; the sandbox's log shows what is true."""

from datetime import date
from decimal import Decimal

import pytest

from tests.support.real_adapters import REFERENCE, real
from tests.support.scene import account, contract, day, log, subscription, work365
from tests.support.small_project import settings

PAGE = 500


PER_ENTITY = 4  # what it is (fields, user-defined ones), the count of a whole read, one page more
WIDE = (
    settings()["trueup.yaml"]
    .replace('{"*": 50}', '{"*": 100000}')
    .replace("calls: 1000", "calls: 1000000")
)


def limits(batch: int) -> dict[str, str]:
    return {"trueup.yaml": WIDE.replace("batch: 50", f"batch: {batch}")}


def customers(count: int) -> dict[str, list]:
    """So many customers, each with a contract, a subscription and two changes."""
    tables = work365()
    every = range(count)
    tables["account"] = [account(f"a{n}", name=f"Customer {n}", number=f"A-{n}") for n in every]
    tables["billing_contract"] = [
        contract(f"c{n}", name=f"CSP {n}", number=f"C-{n}", customer=f"a{n}") for n in every
    ]
    tables["subscription"] = [
        subscription(f"s{n}", 3, name=f"Mail {n}", customer=f"a{n}", contract=f"c{n}")
        for n in every
    ]
    tables["license_change"] = [log(f"l{n}", day(10, 2), 2, subscription=f"s{n}") for n in every]
    tables["license_change"] += [log(f"m{n}", day(11, 20), 1, subscription=f"s{n}") for n in every]
    return tables


def in_autotask(count: int) -> dict[str, list]:
    """The same customers, known in Autotask, with the units of the first change."""
    every = range(1, count + 1)
    return {
        **REFERENCE,
        "Companies": [
            *REFERENCE["Companies"],
            *(
                {
                    "id": n,
                    "companyName": f"Customer {n - 1}",
                    "companyNumber": f"A-{n - 1}",
                    "companyType": 1,
                    "phone": "1",
                    "ownerResourceID": 4,
                    "isActive": True,
                    "userDefinedFields": [{"name": "Work 365 Id", "value": f"a{n - 1}"}],
                }
                for n in every
            ),
        ],
        "Services": [
            {
                "id": 601,
                "name": "Mail",
                "externalID": "pro",
                "periodType": 2,
                "unitPrice": 10,
                "billingCodeID": 11,
            },
            {
                "id": 602,
                "name": "Backup",
                "externalID": "yea",
                "periodType": 5,
                "unitPrice": 120,
                "billingCodeID": 11,
            },
        ],
        "Contracts": [
            {
                "id": n,
                "companyID": n,
                "contractNumber": f"C-{n - 1}",
                "contractName": f"CSP {n - 1}",
                "contractType": 7,
                "contractPeriodType": 2,
                "status": 1,
                "startDate": "2026-01-01",
                "endDate": "2027-06-30",
                "timeReportingRequiresStartAndStopTimes": 0,
            }
            for n in every
        ],
        "ContractServices": [
            {"id": n, "contractID": n, "serviceID": 601, "internalDescription": f"W365 s{n - 1}"}
            for n in every
        ],
    }


def test_a_plan_reads_in_bulk_and_shows_how_many_calls_it_made(tmp_path):
    count = 510
    tables = customers(count)
    for row in tables["billing_contract"]:
        row["end_date"] = date(2027, 6, 30)
    for row in tables["license_change"]:
        row["status"] = "Archived"
    tables["license_change"] = [
        row for row in tables["license_change"] if row["id"].startswith("l")
    ]
    for row in tables["subscription"]:
        row.update(quantity=Decimal(2), psa_system_id="1")
    adjustments = [
        {"contractServiceID": n, "effectiveDate": "2026-10-02", "unitChange": 2}
        for n in range(1, count + 1)
    ]
    with real(
        tmp_path / "w",
        limits(50),
        tables=tables,
        records=in_autotask(count),
        adjustments=adjustments,
    ) as work:
        made = work.plan()
        counted = work.counted()
        assert {str(change.action) for change in made.changes} == {"link"}
        assert made.summary.read_calls == sum(counted.values())
        records = {entity: len(work.records(entity)) for entity in counted}
        keys = {"Contracts": count, "ContractServices": count, "ContractServiceUnits": count}
        for entity, calls in counted.items():
            bound = (
                -(-records.get(entity, 0) // PAGE) + -(-keys.get(entity, 0) // PAGE) + PER_ENTITY
            )
            assert calls <= bound, (entity, calls, bound)
        assert made.summary.records == sum(
            records[name] for name in ("Companies", "Services", "Contracts")
        ) + count + sum(
            row["endDate"][:10] >= "2026-11-14" for row in work.records("ContractServiceUnits")
        ) + len(REFERENCE["Resources"]) + len(REFERENCE["BillingCodes"])
        assert work.apply(made).complete
        assert sum(work.counted().values()) == 0
        assert work.plan().changes == ()


@pytest.mark.parametrize(("count", "batch"), [(1, 50), (4, 1), (9, 7), (30, 50)])
def test_applying_costs_no_more_calls_than_the_plan_shows_and_not_many_fewer(
    tmp_path, count, batch
):
    with real(tmp_path / "w", limits(batch), tables=customers(count)) as work:
        made = work.plan()
        work.counted()
        outcome = work.apply(made)
        counted = sum(work.counted().values())
        assert outcome.complete
        assert outcome.calls == counted
        assert counted <= made.summary.apply_calls <= counted * 1.1 + 8
        assert work.plan().changes == ()


def test_applying_updates_and_links_costs_no_more_than_the_plan_shows(tmp_path):
    count = 40
    tables = customers(count)
    tables["license_change"] = [
        row for row in tables["license_change"] if row["id"].startswith("m")
    ]
    tables["license_change"] += [
        log(f"l{n}", day(10, 2), 2, subscription=f"s{n}", status="Archived") for n in range(count)
    ]
    for row in tables["account"]:
        row["phone"] = "2"
    adjustments = [
        {"contractServiceID": n, "effectiveDate": "2026-10-02", "unitChange": 2}
        for n in range(1, count + 1)
    ]
    with real(
        tmp_path / "w",
        limits(25),
        tables=tables,
        records=in_autotask(count),
        adjustments=adjustments,
    ) as work:
        made = work.plan()
        work.counted()
        assert made.summary.actions == {"adjust": 40, "link": 122, "update": 80, "write back": 80}
        assert work.apply(made).complete
        assert sum(work.counted().values()) <= made.summary.apply_calls


def test_a_further_service_costs_no_more_than_the_plan_shows(tmp_path):
    tables = work365()
    tables["subscription"] += [subscription(f"s{n}", 2, name=f"Mail {n}") for n in range(4)]
    tables["license_change"] += [
        log(f"l{n}", day(11, 2), 2, subscription=f"s{n}") for n in range(4)
    ]
    with real(tmp_path / "w", settings(allow_duplicated_services="true"), tables=tables) as work:
        made = work.plan()
        work.counted()
        assert work.apply(made).complete
        assert sum(work.counted().values()) <= made.summary.apply_calls
        assert work.plan().changes == ()


def test_an_undo_costs_no_more_than_the_plan_shows(tmp_path):
    with real(tmp_path / "w", limits(5), tables=customers(4)) as work:
        work.sync()
        with work.world() as world:
            run = world.state.runs()[-1].id
        work.counted()
        made = work.plan(undo=run)
        assert made.summary.read_calls == sum(work.counted().values())
        outcome = work.apply(made)
        assert outcome.complete, [one.text for one in outcome.changes if one.text]
        assert sum(work.counted().values()) <= made.summary.apply_calls


def test_an_empty_plan_costs_nothing_to_apply(tmp_path):
    with real(tmp_path / "w") as work:
        work.sync()
        made = work.plan()
        work.counted()
        assert (made.summary.apply_calls, work.apply(made).calls) == (0, 0)
        assert sum(work.counted().values()) == 0


def written(work) -> tuple[list, list[int]]:
    """What came of it in Autotask, whichever of two got its id first."""
    found = work.dump()
    counts = [
        len(found["records"][name])
        for name in ("Companies", "Contracts", "Services", "ContractServices")
    ]
    adjustments = [(one["effectiveDate"], one["unitChange"]) for one in found["adjustments"]]
    return sorted(adjustments), counts


def twins() -> dict[str, list]:
    """Further subscriptions of one service, which their first adjustments create."""
    tables = work365()
    tables["subscription"] += [subscription(f"s{n}", 2, name=f"Mail {n}") for n in range(2)]
    tables["license_change"] += [
        log(f"l{n}", day(11, 2), 2, subscription=f"s{n}") for n in range(2)
    ]
    return tables


@pytest.mark.parametrize(
    ("files", "tables", "limited"),
    [
        ({}, work365, range(1, 24)),
        (settings(allow_duplicated_services="true"), twins, range(12, 32, 4)),
        (limits(2), lambda: customers(3), range(13, 49, 9)),
    ],
    ids=["each", "further services", "small batches"],
)
def test_whatever_its_limit_a_run_stops_before_going_over_it_with_nothing_in_doubt(
    tmp_path, files, tables, limited
):
    with real(tmp_path / "w", files, tables=tables()) as work:
        made = work.plan()
        copies = [work.copied(tmp_path / str(most)) for most in limited]
        outcome = work.apply(made)
        assert outcome.complete
        needed = outcome.calls
        wanted = written(work)
    for most, copy in zip(limited, copies, strict=True):
        with copy as work:
            work.counted()
            outcome = work.apply(made, max_calls=most)
            assert sum(work.counted().values()) <= most
            assert {one.status for one in outcome.changes} <= {"applied"}
            assert outcome.complete is (most >= needed)
            if not outcome.complete:
                assert f"all {most} calls" in outcome.stopped
                outcome = work.resume()
            assert outcome.complete
            assert work.plan().changes == ()
            assert written(work) == wanted


def test_a_run_with_few_calls_at_a_time_comes_to_its_end_step_by_step(tmp_path):
    with real(tmp_path / "w", limits(2), tables=customers(2)) as work:
        made = work.plan()
        work.counted()
        # A process needs two calls to begin, up to eight to check a batch of two, and two to write.
        outcome, steps = work.apply(made, max_calls=12), 1
        while not outcome.complete:
            assert sum(work.counted().values()) <= 12
            assert {one.status for one in outcome.changes} <= {"applied"}
            outcome, steps = work.resume(max_calls=12), steps + 1
            assert steps < 30
        assert work.plan().changes == ()
        assert len(work.adjustments()) == 4
