"""Seeds: whole or not at all, typed, with every fault named; unit rows and adjustments made from each other."""

import json
import threading
from pathlib import Path

import pytest

from engine.errors import SandboxError
from engine.sandbox import seed, snapshots
from engine.sandbox.server import Sandbox

BASE = {
    "Companies": [{"id": 1, "companyName": "A"}],
    "Services": [{"id": 2, "name": "S", "periodType": 2, "unitPrice": 3}],
    "Contracts": [{"id": 3, "companyID": 1, "contractType": 7, "startDate": "2026-01-01", "endDate": "2026-04-30"}],
}


@pytest.fixture
def database(tmp_path):
    return tmp_path / "new.sqlite"


def rows(document):
    return [
        (row["startDate"], row["endDate"], row["units"]) for row in document["records"].get("ContractServiceUnits", [])
    ]


def test_a_document_is_added_over_records_of_the_same_ids(database, entities):
    seed.seed(database, entities, {"records": BASE})
    seed.seed(database, entities, {"records": {"Companies": [{"id": 1, "companyName": "B"}, {"id": 9}]}})

    assert seed.dump(database, entities)["records"]["Companies"] == [{"id": 1, "companyName": "B"}, {"id": 9}]


def test_units_are_made_from_adjustments_and_posted_as_said(database, entities):
    document = {
        "records": {**BASE, "ContractServices": [{"id": 4, "contractID": 3, "serviceID": 2}]},
        "adjustments": [
            {"contractServiceID": 4, "effectiveDate": "2026-02-10", "unitChange": 5},
            {"contractServiceID": 4, "effectiveDate": "2026-01-01", "unitChange": 2},
        ],
        "posted_until": {"3": "2026-01-31"},
    }
    seed.seed(database, entities, document)

    dumped = seed.dump(database, entities)
    assert rows(dumped) == [
        ("2026-01-01", "2026-01-31", 2),
        ("2026-02-01", "2026-02-09", 2),
        ("2026-02-10", "2026-02-28", 7),
        ("2026-03-01", "2026-03-31", 7),
        ("2026-04-01", "2026-04-30", 7),
    ]
    posted = ["approveAndPostDate" in row for row in dumped["records"]["ContractServiceUnits"]]
    assert posted == [True, False, False, False, False]
    assert dumped["records"]["ContractServices"][0]["internalCurrencyAdjustedPrice"] == 3.0


def test_adjustments_are_rebuilt_from_rows_that_keep_their_ids(database, entities):
    units = [
        {"id": 71, "startDate": "2026-01-01", "endDate": "2026-01-31", "units": 2, "approveAndPostDate": "2026-01-31"},
        {"id": 75, "startDate": "2026-02-01", "endDate": "2026-02-09", "units": 2},
        {"id": 73, "startDate": "2026-02-10", "endDate": "2026-02-28", "units": 7},
        {"id": 79, "startDate": "2026-03-01", "endDate": "2026-03-31", "units": 7},
        {"id": 80, "startDate": "2026-04-01", "endDate": "2026-04-30", "units": 7},
    ]
    units = [{**row, "contractServiceID": 4, "contractID": 3, "serviceID": 2} for row in units]
    services = [{"id": 4, "contractID": 3, "serviceID": 2}]
    seed.seed(database, entities, {"records": {**BASE, "ContractServices": services, "ContractServiceUnits": units}})

    dumped = seed.dump(database, entities)
    kept = {row["startDate"]: row["id"] for row in dumped["records"]["ContractServiceUnits"]}
    assert kept == {row["startDate"]: row["id"] for row in units}
    changes = [(one["effectiveDate"], one["unitChange"]) for one in dumped["adjustments"]]
    assert changes == [("2026-01-01", 2), ("2026-02-10", 5)]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"record": {}}, ["record"]),
        ({"records": {"Nothing": [{"id": 1}]}}, ["Nothing"]),
        ({"records": {"Companies": [{"companyName": "A"}]}}, ["records.Companies[0]", "id"]),
        ({"records": {"Companies": [{"id": 1, "colour": 1}]}}, ["records.Companies[0]", "colour"]),
        ({"records": {"Companies": [{"id": 1, "isActive": "perhaps"}]}}, ["records.Companies[0].isActive"]),
        ({"records": {"Companies": 5}}, ["seed"]),
        ({"picklists": {"Companies": {"colour": []}}}, ["colour"]),
        ({"user_defined_fields": {"Services": [{"name": "x"}], "BillingCodes": [{"name": "y"}]}}, ["BillingCodes"]),
        (
            {"adjustments": [{"contractServiceID": 4, "effectiveDate": "2026-01-01", "unitChange": 1}]},
            ["ContractServices 4"],
        ),
        (
            {"records": {**BASE, "ContractServices": [{"id": 4, "contractID": 8, "serviceID": 2}]}},
            ["ContractServices 4"],
        ),
        ({"users": [{"username": "u", "secret": "s", "integration_code": "c", "level": "odd"}]}, ["odd"]),
        ({"switches": {"nothing": "x"}}, ["nothing"]),
    ],
)
def test_a_seed_that_cannot_be_right_is_refused_with_its_place_and_leaves_nothing(database, entities, document, words):
    seed.seed(database, entities, {"records": {"Companies": [{"id": 5}]}})
    before = seed.dump(database, entities)

    with pytest.raises(SandboxError) as caught:
        seed.seed(database, entities, {"records": {"Companies": [{"id": 6}]}} | document)

    for word in words:
        assert word in str(caught.value)
    assert seed.dump(database, entities) == before


def test_an_adjustment_outside_its_contract_is_refused(database, entities):
    document = {
        "records": {**BASE, "ContractServices": [{"id": 4, "contractID": 3, "serviceID": 2}]},
        "adjustments": [{"contractServiceID": 4, "effectiveDate": "2027-01-01", "unitChange": 5}],
    }
    with pytest.raises(SandboxError, match="2027-01-01 is outside"):
        seed.seed(database, entities, document)


@pytest.mark.parametrize("content", [None, "no json", "[]", "[" * 100_000])
def test_a_file_that_is_no_document_is_refused(tmp_path, content):
    file = tmp_path / "seed.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SandboxError, match=r"seed\.json"):
        seed.load(file)


def test_a_reset_empties_and_seeds_anew_in_one_step(database, entities):
    seed.seed(database, entities, {"records": BASE, "user_defined_fields": {"Companies": [{"name": "X"}]}})

    with pytest.raises(SandboxError):
        seed.reset(database, entities, {"records": {"Companies": [{"id": "x"}]}})
    assert seed.dump(database, entities)["records"]["Companies"] != []

    seed.reset(database, entities)
    assert seed.dump(database, entities)["records"] == {}


def test_a_database_is_seeded_once_even_if_it_was_emptied_by_hand_since(open_sandbox, api):
    before = len(api.query("Companies"))
    api.post("Companies", {"companyName": "Mine", "companyType": 1, "phone": "1", "ownerResourceID": 30})

    api.url = open_sandbox().url

    assert len(api.query("Companies")) == before + 1


def test_several_that_open_an_empty_database_together_seed_it_once(tmp_path, entities, seed_file):
    barrier, opened, failures = threading.Barrier(4), [], []

    def open_one():
        barrier.wait()
        try:
            with Sandbox(tmp_path / "together.sqlite", entities, seed=seed_file) as sandbox:
                opened.append(sandbox.url)
        except SandboxError as error:
            failures.append(error)

    threads = [threading.Thread(target=open_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert len(opened) == 4
    assert len(seed.dump(tmp_path / "together.sqlite", entities)["adjustments"]) == 1


def test_without_users_there_is_one(open_sandbox, api, tmp_path):
    sandbox = open_sandbox(database=tmp_path / "bare.sqlite", seed=None)
    api.url = sandbox.url
    demo = {"ApiIntegrationCode": "DEMO", "UserName": "api@demo.example", "Secret": "demo"}

    assert api.send("GET", "Companies/0", headers=demo).json == {"item": None}


def test_the_seed_of_the_examples_is_good(database, entities):
    file = Path(__file__).parents[2] / "examples" / "autotask.json"

    seed.seed(database, entities, json.loads(file.read_text("utf-8")))

    assert seed.dump(database, entities)["records"]["ContractServiceUnits"] != []


def test_a_snapshot_holds_everything_in_one_file_and_comes_back(tmp_path, entities, database):
    seed.seed(database, entities, {"records": BASE})
    before = seed.dump(database, entities)
    snapshots.snapshot(database, tmp_path / "snap.sqlite")
    seed.reset(database, entities)

    snapshots.restore(tmp_path / "snap.sqlite", database)

    assert seed.dump(database, entities) == before
    assert sorted(file.name for file in tmp_path.glob("snap*")) == ["snap.sqlite"]


def test_a_file_that_is_no_sandbox_is_neither_restored_nor_opened(tmp_path, entities, database):
    seed.seed(database, entities, {"records": BASE})
    before = seed.dump(database, entities)
    other = tmp_path / "other.sqlite"
    other.write_text("this is no database at all, and long enough to be read as one " * 20)

    for file in (other, tmp_path / "absent.sqlite"):
        with pytest.raises(SandboxError):
            snapshots.restore(file, database)
    with pytest.raises(SandboxError):
        seed.seed(other, entities, {})
    with pytest.raises(SandboxError):
        snapshots.snapshot(database, tmp_path / "no" / "where" / "snap.sqlite")
    assert seed.dump(database, entities) == before
