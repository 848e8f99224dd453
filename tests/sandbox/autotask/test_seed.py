"""Seeds: loaded whole or not at all, errors with places, unit rows made from adjustments."""

import json
import threading

import pytest
from trueup.errors import SandboxError
from trueup.sandbox.autotask import seed
from trueup.sandbox.autotask.dump import dump_database
from trueup.sandbox.autotask.server import Sandbox

from tests.sandbox.autotask.one_contract import BASE
from tests.support.paths import EXAMPLES


def rows(document):
    return [
        (row["startDate"], row["endDate"], row["units"])
        for row in document["records"].get("ContractServiceUnits", [])
    ]


STAMPS = dict.fromkeys(
    ("createDate", "lastActivityDate", "lastTrackedModifiedDateTime"), "2020-01-01T08:00:00.000"
)
"""What a record has whose seed gives no dates."""


def test_a_document_replaces_records_with_the_same_ids(database, entities):
    seed.seed(database, entities, {"records": BASE})
    seed.seed(
        database, entities, {"records": {"Companies": [{"id": 1, "companyName": "B"}, {"id": 9}]}}
    )

    assert dump_database(database, entities)["records"]["Companies"] == [
        {"id": 1, "companyName": "B", **STAMPS},
        {"id": 9, **STAMPS},
    ]


def test_seeded_records_have_a_creator_and_dates_unless_the_seed_gives_them(database, entities):
    companies = [{"id": 1}, {"id": 2, "createDate": "2024-05-06T07:08:09Z"}]
    resources = [{"id": 30, "firstName": "Ada"}]

    seed.seed(database, entities, {"records": {"Resources": resources, "Companies": companies}})

    first, second = dump_database(database, entities)["records"]["Companies"]
    assert {*STAMPS} <= {*first}
    assert (first["createdByResourceID"], second["createDate"][:10]) == (30, "2024-05-06")


def test_unit_rows_are_made_from_adjustments_and_posted(database, entities):
    document = {
        "records": {**BASE, "ContractServices": [{"id": 4, "contractID": 3, "serviceID": 2}]},
        "adjustments": [
            {"contractServiceID": 4, "effectiveDate": "2026-02-10", "unitChange": 5},
            {"contractServiceID": 4, "effectiveDate": "2026-01-01", "unitChange": 2},
        ],
        "posted_until": {"3": "2026-01-31"},
    }
    seed.seed(database, entities, document)

    dumped = dump_database(database, entities)
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


def test_adjustments_are_rebuilt_from_unit_rows_which_keep_their_ids(database, entities):
    units = [
        {
            "id": 71,
            "startDate": "2026-01-01",
            "endDate": "2026-01-31",
            "units": 2,
            "approveAndPostDate": "2026-01-31",
        },
        {"id": 75, "startDate": "2026-02-01", "endDate": "2026-02-09", "units": 2},
        {"id": 73, "startDate": "2026-02-10", "endDate": "2026-02-28", "units": 7},
        {"id": 79, "startDate": "2026-03-01", "endDate": "2026-03-31", "units": 7},
        {"id": 80, "startDate": "2026-04-01", "endDate": "2026-04-30", "units": 7},
    ]
    units = [{**row, "contractServiceID": 4, "contractID": 3, "serviceID": 2} for row in units]
    services = [{"id": 4, "contractID": 3, "serviceID": 2}]
    seed.seed(
        database,
        entities,
        {"records": {**BASE, "ContractServices": services, "ContractServiceUnits": units}},
    )

    dumped = dump_database(database, entities)
    ids = {row["startDate"]: row["id"] for row in dumped["records"]["ContractServiceUnits"]}
    assert ids == {row["startDate"]: row["id"] for row in units}
    changes = [
        (adjustment["effectiveDate"], adjustment["unitChange"])
        for adjustment in dumped["adjustments"]
    ]
    assert changes == [("2026-01-01", 2), ("2026-02-10", 5)]


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ({"record": {}}, ["record"]),
        ({"records": {"Nothing": [{"id": 1}]}}, ["Nothing"]),
        ({"records": {"Companies": [{"companyName": "A"}]}}, ["records.Companies[0]", "id"]),
        ({"records": {"Companies": [{"id": 1, "colour": 1}]}}, ["records.Companies[0]", "colour"]),
        (
            {"records": {"Companies": [{"id": 1, "isActive": "perhaps"}]}},
            ["records.Companies[0].isActive"],
        ),
        ({"records": {"Companies": 5}}, ["seed"]),
        ({"picklists": {"Companies": {"colour": []}}}, ["colour"]),
        (
            {"user_defined_fields": {"Services": [{"name": "x"}], "BillingCodes": [{"name": "y"}]}},
            ["BillingCodes"],
        ),
        (
            {
                "adjustments": [
                    {"contractServiceID": 4, "effectiveDate": "2026-01-01", "unitChange": 1}
                ]
            },
            ["ContractServices 4"],
        ),
        (
            {"records": {**BASE, "ContractServices": [{"id": 4, "contractID": 8, "serviceID": 2}]}},
            ["ContractServices 4"],
        ),
        (
            {"users": [{"username": "u", "secret": "s", "integration_code": "c", "level": "odd"}]},
            ["odd"],
        ),
        ({"switches": {"nothing": "x"}}, ["nothing"]),
    ],
)
def test_an_invalid_seed_is_refused_with_its_place_and_changes_nothing(
    database, entities, document, texts
):
    seed.seed(database, entities, {"records": {"Companies": [{"id": 5}]}})
    before = dump_database(database, entities)

    with pytest.raises(SandboxError) as caught:
        seed.seed(database, entities, {"records": {"Companies": [{"id": 6}]}} | document)

    for text in texts:
        assert text in str(caught.value)
    assert dump_database(database, entities) == before


def test_an_adjustment_outside_its_contract_is_refused(database, entities):
    document = {
        "records": {**BASE, "ContractServices": [{"id": 4, "contractID": 3, "serviceID": 2}]},
        "adjustments": [{"contractServiceID": 4, "effectiveDate": "2027-01-01", "unitChange": 5}],
    }
    with pytest.raises(SandboxError, match="2027-01-01 is outside"):
        seed.seed(database, entities, document)


@pytest.mark.parametrize("content", [None, "no json", "[]", "[" * 100_000])
def test_a_file_that_is_not_a_document_is_refused(tmp_path, content):
    file = tmp_path / "seed.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SandboxError, match=r"seed\.json"):
        seed.read_document(file)


def test_a_reset_empties_and_seeds_in_one_step(database, entities):
    seed.seed(
        database, entities, {"records": BASE, "user_defined_fields": {"Companies": [{"name": "X"}]}}
    )

    with pytest.raises(SandboxError):
        seed.reset(database, entities, {"records": {"Companies": [{"id": "x"}]}})
    assert dump_database(database, entities)["records"]["Companies"] != []

    seed.reset(database, entities)
    assert dump_database(database, entities)["records"] == {}


def test_a_database_that_was_seeded_is_not_seeded_again(open_sandbox, api):
    before = len(api.query("Companies"))
    api.post(
        "Companies", {"companyName": "Mine", "companyType": 1, "phone": "1", "ownerResourceID": 30}
    )

    api.url = open_sandbox().url

    assert len(api.query("Companies")) == before + 1


def test_several_sandboxes_that_open_an_empty_database_together_seed_it_once(
    tmp_path, entities, seed_file
):
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
    assert len(dump_database(tmp_path / "together.sqlite", entities)["adjustments"]) == 1


def test_a_tenant_without_users_has_a_default_user(open_sandbox, api, tmp_path):
    sandbox = open_sandbox(database=tmp_path / "bare.sqlite", seed=None)
    api.url = sandbox.url
    demo = {"ApiIntegrationCode": "DEMO", "UserName": "api@demo.example", "Secret": "demo"}

    assert api.send("GET", "Companies/0", headers=demo).json == {"item": None}


def test_the_seed_of_the_examples_is_valid(database, entities):
    file = EXAMPLES / "autotask.json"

    seed.seed(database, entities, json.loads(file.read_text("utf-8")))

    assert dump_database(database, entities)["records"]["ContractServiceUnits"] != []
