"""Metadata that an earlier plan has read is used while it is recent and nothing contradicts it."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from trueup.errors import TargetRejected
from trueup.ports.target import Condition
from trueup.target.autotask.gateway import HttpTarget
from trueup.target.autotask.kept_answers import KEPT_FOR, KeptAnswers

from tests.target.autotask.conftest import CODE, HOSTS, SECRET, USER, page, refusal

FIELDS = "GET Companies/entityInformation/fields"
UDFS = "GET Companies/entityInformation/userDefinedFields"
RIGHTS = "GET Companies/entityInformation"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tenant.metadata.json"


@pytest.fixture
def process(
    client_with: Callable[..., Any], entities: Any, clock: Any, file: Path
) -> Iterator[Callable[..., HttpTarget]]:
    """A target as each process opens it; it keeps what it has read when it is closed."""
    with ExitStack() as stack:

        def opened(*, used: bool = True, identity: str = "", **client: Any) -> HttpTarget:
            kept = KeptAnswers(file, clock, used=used)
            target = HttpTarget(client_with(**client), entities, "a tenant", identity, kept)
            return stack.enter_context(closing(target))

        yield opened


def fields(*labels: str, **more: Any) -> dict[str, Any]:
    """An answer with a picklist of company types, numbered from 1."""
    picks = [
        {"value": str(number), "label": label, "isActive": True}
        for number, label in enumerate(labels, 1)
    ]
    one = {"name": "companyType", "dataType": "integer", "isPickList": True, **more}
    return {"fields": [{**one, "picklistValues": picks}]}


def udfs(*names: str) -> dict[str, Any]:
    return {"fields": [{"name": name, "dataType": "string"} for name in names]}


def rights(create: str) -> dict[str, Any]:
    return {"info": {"canCreate": True, "userAccessForCreate": create}}


def labels(target: HttpTarget) -> list[str]:
    field = target.entity("Companies").field("companyType")
    assert field is not None
    return [pick.label for pick in field.picklist or ()]


@pytest.fixture(autouse=True)
def metadata(service: Any) -> None:
    service.on("GET", "/Companies/entityInformation/fields", fields("Customer"))
    service.on("GET", "/Companies/entityInformation/userDefinedFields", udfs("Work 365 Id"))
    service.on("GET", "/Companies/entityInformation", rights("All"))


@pytest.fixture
def kept(process: Callable[..., HttpTarget], service: Any) -> HttpTarget:
    """A target that has what a first process has read: fields, user-defined fields and rights."""
    with closing(process()) as first:
        assert labels(first) == ["Customer"]
        assert "udf.Work 365 Id" in first.metadata.udfs("Companies")
        assert first.denied("Companies") == frozenset()
    service.requests.clear()
    return process()


def test_a_second_process_asks_for_nothing_that_the_first_has_read(kept, service):
    assert labels(kept) == ["Customer"]
    assert [*kept.metadata.udfs("Companies")] == ["udf.Work 365 Id"]
    assert kept.denied("Companies") == frozenset()
    assert service.paths() == []


def test_what_was_read_by_an_earlier_plan_is_stated_with_its_time(kept, process):
    assert kept.notices == ()

    labels(kept)

    [notice] = kept.notices
    assert notice == (
        "a tenant: the metadata of Companies was read at 2026-11-20 12:00 UTC, which spares "
        "1 call; `trueup plan --fresh` reads it again"
    )
    fresh = process(used=False)
    labels(fresh)
    assert fresh.notices == ()


def test_what_is_too_old_is_read_again(kept, service, clock):
    clock.instant += KEPT_FOR

    assert labels(kept) == ["Customer"]
    assert service.paths() == [FIELDS]


def test_what_comes_from_the_future_is_read_again(kept, service, clock):
    clock.instant -= timedelta(seconds=1)

    assert labels(kept) == ["Customer"]
    assert service.paths() == [FIELDS]


def test_a_process_that_uses_nothing_kept_replaces_it(kept, process, service):
    service.on("GET", "/Companies/entityInformation/fields", fields("Customer", "Vendor"))

    with closing(process(used=False)) as fresh:
        assert labels(fresh) == ["Customer", "Vendor"]

    assert labels(process()) == ["Customer", "Vendor"]
    assert service.paths() == [FIELDS]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff{",
        b"[]",
        b'{"version": 1}',
        b"[" * 5000,
        b'{"version": 1, "tenant": "another", "answers": {}}',
    ],
)
def test_a_damaged_or_foreign_file_counts_as_absent_and_is_replaced(
    process, kept, service, file, content
):
    file.write_bytes(content)

    with closing(kept):
        assert labels(kept) == ["Customer"]

    assert service.paths() == [FIELDS]
    assert labels(process()) == ["Customer"]
    assert service.paths() == [FIELDS]


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.update(at="2026-11-20T12:00:00"),
        lambda entry: entry.update(at=5),
        lambda entry: entry.pop("payload"),
        lambda entry: entry.update(payload={"fields": [{"dataType": "string"}]}),
        lambda entry: entry.update(payload=None),
    ],
)
def test_an_answer_that_cannot_be_read_counts_as_absent(kept, service, file, change):
    document = json.loads(file.read_text())
    change(document["answers"]["Companies/entityInformation/fields"])
    file.write_text(json.dumps(document))

    assert labels(kept) == ["Customer"]
    assert service.paths() == [FIELDS]


@pytest.mark.parametrize(
    "client", [{"url": "https://ws1.example.net"}, {"user": "other@demo.example"}]
)
def test_the_answers_of_another_tenant_or_user_are_not_used(kept, process, service, client):
    other = process(**client)

    assert labels(other) == ["Customer"]
    assert service.paths() == [FIELDS]


def test_users_of_one_sandbox_do_not_share_answers(process, service):
    with closing(process(identity="sandbox in a.sqlite")) as first:
        labels(first)

    labels(process(identity="sandbox in a.sqlite", user="other@demo.example"))
    labels(process(identity="sandbox in b.sqlite"))
    labels(process(identity="sandbox in a.sqlite"))

    assert service.paths() == [FIELDS] * 3


def test_the_answers_of_another_zone_are_not_used(kept, service):
    zone = {"zoneName": "Zone 3", "url": f"https://{HOSTS[4]}/ATServicesRest/"}
    service.on("GET", "/ZoneInformation", zone)

    assert labels(kept) == ["Customer"]
    assert service.paths() == [FIELDS]


def test_the_file_has_no_credentials_and_is_its_owners_alone(kept, file):
    text = file.read_text()

    assert [hidden for hidden in (SECRET, CODE, USER) if hidden in text] == []
    assert os.name == "nt" or file.stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_costs_the_next_process_its_calls(process, file, caplog):
    file.parent.write_text("a file in the place of the folder")

    with closing(process()) as first:
        assert labels(first) == ["Customer"]

    assert "tenant.metadata.json cannot be written" in caplog.text


# --- what contradicts it


def test_a_field_that_it_lacks_is_read(kept, service):
    new = fields("Customer")
    new["fields"].append({"name": "brandNew", "dataType": "string"})
    service.on("GET", "/Companies/entityInformation/fields", new)
    service.on("POST", "/Companies/query", page([]))
    where = [Condition("id", "in", [7])]

    assert kept.read("Companies", where, ["brandNew"]) == []
    assert service.paths() == [FIELDS, "POST Companies/query"]
    assert kept.renew([])


def test_a_user_defined_field_that_it_lacks_is_read(kept, service):
    service.on("GET", "/Companies/entityInformation/userDefinedFields", udfs("Work 365 Id", "New"))

    assert kept.read("Companies", [Condition("id", "in", [])], ["udf.New"]) == []
    assert service.paths() == [UDFS]


def test_a_field_that_exists_nowhere_is_read_once_and_refused(kept, service):
    for _ in range(2):
        with pytest.raises(TargetRejected, match="no user-defined field 'Gone'"):
            kept.read("Companies", [Condition("id", "in", [])], ["udf.Gone"])

    assert service.paths() == [UDFS]
    assert not kept.renew([])


def test_a_condition_on_a_user_defined_field_is_not_sent_on_the_word_of_the_file(kept, service):
    service.on("GET", "/Companies/entityInformation/userDefinedFields", udfs())
    where = [Condition("udf.Work 365 Id", "eq", "a")]

    with pytest.raises(TargetRejected, match="no user-defined field 'Work 365 Id'"):
        kept.read("Companies", where, ["companyName"])

    assert service.paths() == [UDFS]


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("companyType", {"id": 7, "companyType": 2}),
        ("udf.Work 365 Id", {"id": 7, "userDefinedFields": []}),
    ],
)
def test_a_record_that_contradicts_it_has_it_asked_for_again(kept, service, name, item):
    labels(kept)
    service.on("GET", "/Companies/entityInformation/fields", fields("Customer", "Vendor"))
    service.on("POST", "/Companies/query", page([item]))

    kept.read("Companies", [Condition("id", "in", [7])], [name])

    assert kept.renew([])
    assert labels(kept) == ["Customer", "Vendor"]
    assert not kept.renew(["Companies"])


def test_records_that_fit_it_have_nothing_asked_for_again(kept, service):
    labels(kept)
    udf = [{"name": "Work 365 Id", "value": None}]
    items = [{"id": 7, "companyType": 1, "userDefinedFields": udf}, {"id": 8, "companyType": None}]
    service.on("POST", "/Companies/query", page(items[:1]), page(items[1:]))

    kept.read("Companies", [Condition("id", "in", [7])], ["companyType", "udf.Work 365 Id"])
    kept.read("Companies", [Condition("id", "in", [8])], ["companyType"])

    assert not kept.renew([])
    assert service.paths() == ["POST Companies/query"] * 2


def test_what_is_in_doubt_is_read_again_and_may_be_as_it_was(kept, service):
    labels(kept)

    assert not kept.renew(["Companies"])
    assert service.paths() == [FIELDS]


def test_a_right_that_was_denied_is_read_again(process, service):
    service.on("GET", "/Companies/entityInformation", rights("None"), rights("All"))
    with closing(process()) as first:
        assert first.denied("Companies") == {"create"}

    assert process().denied("Companies") == frozenset()
    assert service.paths() == [RIGHTS] * 2


def test_an_operation_that_autotask_does_not_offer_is_not_asked_for_again(process, service):
    info = {"canCreate": False, "userAccessForCreate": "None"}
    service.on("GET", "/Companies/entityInformation", {"info": info})
    for _ in range(2):
        with closing(process()) as target:
            assert target.denied("Companies") == {"create"}

    assert service.paths() == [RIGHTS]


@pytest.mark.parametrize("verb", ["read", "create", "update"])
def test_a_refusal_makes_the_next_process_read_again(kept, process, service, verb):
    refused = refusal("Picklist value [3] does not exist for companyType.")
    service.on("POST", "/Companies/query", refused)
    service.on("POST", "/Companies", refused)
    service.on("PATCH", "/Companies", refused)
    send = {
        "read": lambda: kept.read("Companies", [Condition("id", "in", [7])], ["companyType"]),
        "create": lambda: kept.create("Companies", {"companyType": 3}),
        "update": lambda: kept.update("Companies", 7, {"companyType": 3}),
    }
    with closing(kept), pytest.raises(TargetRejected):
        send[verb]()
    service.requests.clear()

    assert labels(process()) == ["Customer"]
    assert service.paths() == [FIELDS]


def test_what_another_process_has_kept_meanwhile_stays(kept, process, service):
    service.on("GET", "/Contacts/entityInformation/fields", {"fields": []})
    with closing(process()) as other:
        other.entity("Contacts")
    with closing(kept):
        assert kept.metadata.rights("Companies")  # asked for each time, and kept

    last = process()
    last.entity("Contacts")
    labels(last)
    assert service.paths() == ["GET Contacts/entityInformation/fields", RIGHTS]


def test_a_tenant_that_lists_no_metadata_is_not_kept(process, service, file):
    service.on("GET", "/Companies/entityInformation/fields", httpx.Response(404, json={}))

    with closing(process()) as first, pytest.raises(TargetRejected):
        first.entity("Companies")

    assert not file.exists()
