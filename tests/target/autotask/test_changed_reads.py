"""Reading what has changed since an earlier plan: what is asked for, and what is never trusted."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trueup.errors import TargetRejected
from trueup.ports.target import Condition
from trueup.sandbox.autotask.local import URL, LocalSandbox
from trueup.target.autotask import kept_records
from trueup.target.autotask.changed_reads import Changes
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.gateway import HttpTarget
from trueup.target.autotask.kept_records import KeptRecords
from trueup.target.autotask.transport import InProcess

from tests.support.fakes import FakeClock
from tests.support.seeded_databases import ENTITIES, database
from tests.target.autotask.conftest import NOON

COMPANIES = [*range(1, 8)]
WORLD: dict[str, Any] = {
    "records": {
        "Resources": [{"id": 4, "firstName": "Ann", "lastName": "Owner", "userName": "ann"}],
        "Companies": [
            {
                "id": number,
                "companyName": f"Company {number}",
                "companyType": 1,
                "ownerResourceID": 4,
                "phone": "0",
                "lastTrackedModifiedDateTime": f"2026-11-{number:02}T08:00:00Z",
            }
            for number in COMPANIES
        ],
        "Contacts": [
            {"id": number, "companyID": number % 3 + 1, "firstName": "A", "lastName": "B"}
            for number in COMPANIES
        ],
        "Countries": [{"id": 1, "name": "Ireland", "countryCode": "IE"}],
    },
    "user_defined_fields": {"Companies": [{"name": "Tier"}]},
    "clock": {"stands": "2026-11-20T12:00:00Z"},
}
NAMES = ["companyName", "phone"]
UNLIMITED, SMALL = 500, 3


@dataclass
class Tenant:
    """A sandbox, and targets of it as one process after the other opens them."""

    sandbox: LocalSandbox
    file: Path
    stack: ExitStack
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))
    sent: list[tuple[str, Any]] = field(default_factory=list)
    refuses: Callable[[str], bool] = lambda _body: False
    answers: Callable[[bytes], bytes] = lambda body: body

    def answer(self, method: str, address: str, headers: Any, body: bytes) -> Any:
        path = address.partition("V1.0/")[2]
        if method == "POST":
            self.sent.append((path, json.loads(body)))
        if self.refuses(body.decode()):
            return 500, {}, b'{"errors": ["Unable to find it in the Entity."]}'
        status, names, answer = self.sandbox.answer(method, address, headers, body)
        return status, names, self.answers(answer)

    @contextmanager
    def process(
        self,
        page: int = SMALL,
        *,
        used: bool = True,
        identity: str = "a tenant",
        epoch: str = "",
    ) -> Iterator[HttpTarget]:
        """A target with what earlier processes have kept."""
        changes = Changes(
            KeptRecords(self.file, self.clock, used=used), timedelta(hours=24), page, lambda: epoch
        )
        target = HttpTarget(self._client(), ENTITIES, "sandbox", identity, changes=changes)
        with closing(target):
            self.sent.clear()
            yield target

    @contextmanager
    def _aside(self) -> Iterator[HttpTarget]:
        """A target that reads in full, and whose requests are not noted."""
        before = [*self.sent]
        with closing(HttpTarget(self._client(), ENTITIES, "sandbox")) as target:
            yield target
        self.sent[:] = before

    def _client(self) -> AutotaskClient:
        credentials = Credentials("api@demo.example", "demo", "DEMO")
        return AutotaskClient(URL, credentials, self.clock, network=InProcess(self.answer))

    def read(self, page: int = SMALL, **options: Any) -> dict[int, Any]:
        """The companies as one process reads them, by id."""
        with self.process(page, **options) as target:
            return {one["id"]: one for one in target.read("Companies", [], NAMES)}

    def all(self) -> dict[int, Any]:
        """The companies as they are."""
        with self._aside() as target:
            return {one["id"]: one for one in target.read("Companies", [], NAMES)}

    def stored(self) -> list[dict[str, Any]]:
        """The companies with the times of their last edits, for `restore`."""
        time, names = "lastTrackedModifiedDateTime", [*NAMES, "companyType", "ownerResourceID"]
        with self._aside() as target:
            found = target.read("Companies", [], [*names, time])
        return [{**one, time: one[time].isoformat()} for one in found]

    def restore(self, companies: list[dict[str, Any]]) -> None:
        """The companies are put back as they were; there are no others any more."""
        with self.sandbox._store.writing() as db:
            db.execute('DELETE FROM "Companies"')
        self.seed(records={"Companies": companies})

    def write(self, verb: str, record: int, **values: Any) -> None:
        """Somebody edits or creates a company."""
        with self._aside() as target:
            if verb == "update":
                target.update("Companies", record, values)
            else:
                more = {"companyType": 1, "ownerResourceID": 4, "phone": "0"}
                target.create("Companies", {**more, **values})

    def seed(self, **document: Any) -> None:
        self.sandbox.load(document)

    def passes(self, **duration: float) -> None:
        """Time passes, on both sides."""
        self.clock.instant += timedelta(**duration)
        self.seed(clock={"stands": self.clock.instant.isoformat()})

    def paths(self) -> list[str]:
        return [path for path, _ in self.sent]


@contextmanager
def _tenant(folder: Path) -> Iterator[Tenant]:
    file = folder / "autotask.sqlite"
    file.write_bytes(database(json.dumps(WORLD)))
    with ExitStack() as stack:
        sandbox = stack.enter_context(LocalSandbox(file, ENTITIES))
        yield Tenant(sandbox, folder / "state" / "tenant.known.json", stack)


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with _tenant(tmp_path) as opened:
        yield opened


QUERY, COUNT = "Companies/query", "Companies/query/count"
IN_FULL = [QUERY, COUNT]


# --- what changed


def test_a_second_process_asks_for_what_changed_and_counts(tenant):
    assert tenant.read() == tenant.all()
    tenant.passes(hours=5)
    tenant.write("update", 2, phone="22")
    tenant.write("create", 0, companyName="New")

    found = tenant.read()

    assert found == tenant.all()
    assert [found[2]["phone"], len(found)] == ["22", len(COMPANIES) + 1]
    asked = next(body for path, body in tenant.sent if path == QUERY)
    since = "2026-11-07T06:00:00.000Z"  # the newest time that was seen, less the overlap
    assert asked["filter"][1] == {
        "op": "or",
        "items": [
            {"op": "gte", "field": name, "value": since}
            for name in ("lastTrackedModifiedDateTime", "lastActivityDate")
        ],
    }


def test_only_records_of_the_overlap_are_received_again(tenant):
    tenant.read()
    tenant.seed(records={"Companies": [{**WORLD["records"]["Companies"][5], "phone": "6"}]})

    with tenant.process() as target:
        target.read("Companies", [], NAMES)
        [partial] = target.partial_reads

    assert tenant.paths() == [QUERY, COUNT]
    assert (partial.records, partial.changed) == (len(COMPANIES), 0)  # 6 is older than the overlap
    tenant.seed(
        records={
            "Companies": [
                {
                    **WORLD["records"]["Companies"][5],
                    "phone": "6",
                    "lastTrackedModifiedDateTime": "2026-11-07T06:00:00Z",
                }
            ]
        }
    )
    assert tenant.read()[6]["phone"] == "6"


def test_what_was_read_how_is_stated(tenant):
    tenant.read()
    tenant.passes(hours=5)
    tenant.write("update", 2, phone="22")

    with tenant.process() as target:
        target.read("Companies", [], NAMES)

        [partial] = target.partial_reads
        assert (partial.entity, partial.records, partial.changed) == ("Companies", 7, 1)
        assert (partial.since, partial.full) == ("2026-11-07T06:00:00Z", "2026-11-20T12:00:00Z")
        assert target.notices == ()  # no call is spared by that of so few records


@pytest.mark.parametrize("vanishes", ["hidden", "deactivated", "moved"])
def test_what_vanishes_has_everything_read_again(tenant, vanishes):
    where = [Condition("isActive", "eq", "true"), Condition("phone", "eq", "0")]

    def read() -> list[Any]:
        with tenant.process() as target:
            return target.read("Companies", where, NAMES)

    tenant.seed(
        records={"Companies": [{**one, "isActive": True} for one in WORLD["records"]["Companies"]]}
    )
    assert len(read()) == len(COMPANIES)
    tenant.passes(hours=5)
    if vanishes == "hidden":
        user = {"username": "api@demo.example", "secret": "demo", "integration_code": "DEMO"}
        tenant.seed(
            levels={"less": {"entities": {"*": ["query"]}, "hidden": {"Companies": [3]}}},
            users=[{**user, "level": "less"}],
        )
    elif vanishes == "deactivated":
        tenant.write("update", 3, isActive=False)
    else:
        tenant.write("update", 3, phone="1")

    assert [one["id"] for one in read()] == [1, 2, 4, 5, 6, 7]
    assert tenant.paths() == [QUERY, COUNT, QUERY]


@pytest.mark.parametrize(
    ("choice", "values"),
    [("own_fields", {"udf.Tier": "A"}), ("create_only", {"phone": "22"})],
)
def test_an_edit_that_moves_no_time_is_missed_until_all_is_read(tenant, choice, values):
    """What the option may miss, and why it is none by default."""
    names = [*NAMES, "udf.Tier"]

    def read(**options: Any) -> Any:
        with tenant.process(**options) as target:
            return target.read("Companies", [], names)[1]

    tenant.seed(switches={"modification_times": choice})
    before = read()
    tenant.passes(hours=5)
    tenant.write("update", 2, **values)
    after = {**before, **values}

    assert read() == before  # missed
    assert read(used=False) == after  # `plan --fresh`, and each plan by default
    tenant.write("update", 2, **dict.fromkeys(values, "9"))
    assert read() == after  # missed again
    tenant.passes(hours=24)
    assert read() == {**before, **dict.fromkeys(values, "9")}  # it is time to read all


@pytest.mark.parametrize("edited_later", [None, 5, 2], ids=["nothing", "another", "the_same"])
def test_a_tenant_restored_from_a_backup_has_everything_read_again(tenant, edited_later):
    backup = WORLD["records"]["Companies"][1]
    tenant.passes(hours=1)
    tenant.write("update", 2, phone="22")
    tenant.passes(minutes=1)
    assert tenant.read()[2]["phone"] == "22"
    time = "2026-11-20T12:30:00Z"  # within the overlap, and before the edit that is gone
    tenant.seed(records={"Companies": [backup]})
    if edited_later:
        later = WORLD["records"]["Companies"][edited_later - 1]
        tenant.seed(records={"Companies": [{**later, "lastTrackedModifiedDateTime": time}]})

    assert tenant.read()[2]["phone"] == "0"
    assert tenant.paths() == [QUERY, *IN_FULL]
    tenant.read()
    assert tenant.paths() == [QUERY, COUNT]  # changes again, of the restored records


def test_a_restored_tenant_is_read_again_if_its_newest_edit_was_repeated(tenant):
    companies = WORLD["records"]["Companies"]
    tenant.passes(hours=1)
    tenant.write("update", 5, phone="55")
    tenant.passes(hours=5)
    tenant.write("update", 2, phone="22")
    tenant.read()
    tenant.seed(records={"Companies": [companies[4], companies[1]]})
    tenant.passes(minutes=30)
    tenant.write("update", 2, phone="23")

    found = tenant.read()

    assert (found[5]["phone"], found[2]["phone"]) == ("0", "23")
    assert tenant.paths() == [QUERY, QUERY, *IN_FULL]


def test_a_time_in_the_future_takes_no_overlap_from_the_others(tenant):
    """The tenant's clock is five hours behind, and an edit becomes visible late."""
    time, companies = "lastTrackedModifiedDateTime", WORLD["records"]["Companies"]
    of_tomorrow = {**companies[4], time: "2030-01-01T00:00:00Z"}
    newest = {**companies[5], time: "2026-11-20T07:00:00Z"}
    tenant.seed(records={"Companies": [of_tomorrow, newest]})
    tenant.read()
    late = {**companies[1], "phone": "22", time: "2026-11-20T06:59:00Z"}
    tenant.seed(records={"Companies": [late]})

    assert tenant.read()[2]["phone"] == "22"
    assert tenant.paths() == [QUERY, COUNT]


@pytest.mark.parametrize("edited", [[7], [6, 7]])
def test_records_that_are_edited_again_and_again_have_older_ones_asked_for(tenant, edited):
    for phone in ("1", "2", "3"):
        tenant.passes(hours=5)
        for record in edited:
            tenant.write("update", record, phone=phone)
        assert tenant.read() == tenant.all()

    assert tenant.paths() == [QUERY, QUERY, COUNT]


@pytest.mark.parametrize(
    ("edited", "expected"), [([], IN_FULL), ([2], [QUERY, COUNT])], ids=["none", "one"]
)
def test_records_of_one_import_are_asked_for_if_that_takes_fewer_calls(tenant, edited, expected):
    """All records state the same time: those that prove something are as many as all."""
    imported = {"lastTrackedModifiedDateTime": "2026-11-01T08:00:00Z"}
    tenant.seed(
        records={"Companies": [{**one, **imported} for one in WORLD["records"]["Companies"]]}
    )
    for record in edited:
        tenant.write("update", record, phone="2")
    tenant.read()
    tenant.passes(hours=5)
    tenant.write("update", 3, phone="3")

    assert tenant.read() == tenant.all()
    assert tenant.paths() == expected


STEPS = st.one_of(
    st.sampled_from([[], [], [2], [5], [2], [5], [6, 7], [1, 3, 4]]),  # edits, and then a read
    st.sampled_from(["create", "backup", "restore", "restore"]),
)


@given(history=st.lists(st.tuples(st.sampled_from([1, 30, 300]), STEPS), min_size=6, max_size=30))
@settings(max_examples=settings().max_examples)
def test_whatever_was_edited_or_restored_what_is_read_is_what_is_there(tmp_path_factory, history):
    with _tenant(tmp_path_factory.mktemp("tenant")) as tenant:
        backup = tenant.stored()
        for number, (minutes, step) in enumerate(history):
            tenant.passes(minutes=minutes)
            if step == "create":
                tenant.write("create", 0, companyName="New")
            elif step == "backup":
                backup = tenant.stored()
            elif step == "restore":
                tenant.restore(backup)
            else:
                for record in step:
                    tenant.write("update", record, phone=str(number))
                assert tenant.read() == tenant.all()


def test_a_time_that_is_yet_to_come_hides_no_edit(tenant):
    tenant.write("update", 1, phone="1")
    late = {
        **WORLD["records"]["Companies"][6],
        "lastTrackedModifiedDateTime": "2099-01-01T00:00:00Z",
    }
    tenant.seed(records={"Companies": [late]})
    tenant.read()
    tenant.passes(hours=1)
    tenant.write("update", 2, phone="22")

    assert tenant.read()[2]["phone"] == "22"
    assert tenant.paths() == [QUERY, COUNT]


def test_a_time_of_activity_is_no_clock(tenant):
    active = {**WORLD["records"]["Companies"][6], "lastActivityDate": "2026-11-20T11:00:00Z"}
    tenant.seed(records={"Companies": [active]})
    tenant.read()
    edited = {
        **WORLD["records"]["Companies"][1],
        "phone": "22",
        "lastTrackedModifiedDateTime": "2026-11-08T08:00:00Z",
    }
    tenant.seed(records={"Companies": [edited]})

    assert tenant.read()[2]["phone"] == "22"
    assert tenant.paths() == [QUERY, COUNT]


def test_a_record_without_a_time_has_everything_read(tenant):
    with tenant.sandbox._store.writing() as db:
        db.execute('UPDATE "Companies" SET "lastTrackedModifiedDateTime" = NULL WHERE id = 2')
    tenant.read()

    tenant.read()

    assert tenant.paths() == IN_FULL


def test_a_list_of_ids_is_read_as_it_is(tenant):
    where = [Condition("id", "in", COMPANIES)]
    for _ in range(2):
        with tenant.process() as target:
            assert len(target.read("Companies", where, NAMES)) == len(COMPANIES)

    assert tenant.paths() == [QUERY]
    assert not tenant.file.exists()


def test_other_fields_than_before_have_everything_read(tenant):
    tenant.read()

    with tenant.process() as target:
        assert target.read("Companies", [], ["city"])[0] == {"id": 1, "city": None}
        assert tenant.paths() == IN_FULL


def test_a_tenant_without_the_field_is_read_without_it(tenant):
    tenant.refuses = lambda body: "lastTrackedModifiedDateTime" in body

    assert tenant.read(UNLIMITED) == tenant.all()
    assert len(tenant.paths()) == 1 + len(IN_FULL)  # the first one is refused
    assert tenant.read(UNLIMITED) == tenant.all()
    assert tenant.paths() == [QUERY]
    assert tenant.read() == tenant.all()


# --- in one call


def test_what_fits_on_a_page_is_read_in_full_in_one_call(tenant):
    tenant.seed(switches={"modification_times": "create_only"})
    tenant.read(UNLIMITED)
    assert tenant.paths() == IN_FULL
    tenant.write("update", 2, phone="22")

    found = tenant.read(UNLIMITED)

    assert found[2]["phone"] == "22"  # an edit that moves no time is seen all the same
    assert tenant.paths() == [QUERY]
    with tenant.process(UNLIMITED) as target:
        target.read("Companies", [], NAMES)
        assert target.partial_reads == []
        [notice] = target.notices
        assert notice.startswith("sandbox: 1 entity was read in full in one call; kept records")
        assert notice.endswith(" spare 1 call")


def test_other_ids_than_before_are_counted(tenant):
    tenant.read(UNLIMITED)
    tenant.write("create", 0, companyName="New")

    assert tenant.read(UNLIMITED) == tenant.all()
    assert tenant.paths() == IN_FULL


CONTACT_QUERIES = [
    [Condition("companyID", "in", [1, 2])],
    [Condition("lastName", "in", ["C", "D"])],
]


def contacts(tenant: Tenant) -> list[Any]:
    """The contacts that each of the two queries finds, as one process reads them."""
    with tenant.process(UNLIMITED) as target:
        fields = ["companyID", "lastName", "firstName"]
        return [target.read("Contacts", where, fields) for where in CONTACT_QUERIES]


def edit_contact(tenant: Tenant, record: int, **values: Any) -> None:
    [before] = [one for one in WORLD["records"]["Contacts"] if one["id"] == record]
    tenant.seed(records={"Contacts": [{**before, **values}]})


def test_all_queries_of_an_entity_are_answered_by_one_call(tenant):
    before = contacts(tenant)
    assert tenant.paths() == ["Contacts/query"] * 2
    edit_contact(tenant, 3, firstName="Ann")

    after = contacts(tenant)

    assert tenant.paths() == ["Contacts/query"]
    assert [one["firstName"] for one in after[0] if one["id"] == 3] == ["Ann"]
    assert [[one["id"] for one in found] for found in after] == [
        [one["id"] for one in found] for found in before
    ]
    assert '"A"' not in tenant.file.read_text()  # no more is kept than what is queried by


@pytest.mark.parametrize(
    ("values", "found"), [({"companyID": 3}, [[1, 4, 6, 7], []]), ({"lastName": "D"}, [None, [3]])]
)
def test_a_value_that_is_queried_by_has_each_query_sent(tenant, values, found):
    before = contacts(tenant)
    edit_contact(tenant, 3, **values)

    after = contacts(tenant)

    ids = [[one["id"] for one in each] for each in after]
    assert ids == [each or [one["id"] for one in before[at]] for at, each in enumerate(found)]
    assert tenant.paths() == ["Contacts/query"] * 3


def test_a_service_that_spells_names_in_another_way_is_sent_each_query(tenant):
    before = contacts(tenant)
    tenant.answers = lambda body: body.replace(b"companyID", b"CompanyId")

    assert contacts(tenant) == before
    assert tenant.paths() == ["Contacts/query"] * 3
    assert contacts(tenant) == before


def test_a_condition_on_a_user_defined_field_is_read_as_it_is(tenant):
    tenant.seed(
        records={"Companies": [{"udf.Tier": "A", **one} for one in WORLD["records"]["Companies"]]}
    )
    for _ in range(2):
        with tenant.process() as target:
            found = target.read("Companies", [Condition("udf.Tier", "eq", "A")], NAMES)

    assert (len(found), tenant.paths()) == (len(COMPANIES), [QUERY])


def test_a_service_that_refuses_groups_is_sent_each_query(tenant):
    before = contacts(tenant)
    tenant.refuses = lambda body: '"or"' in body

    assert contacts(tenant) == before
    assert tenant.paths() == ["Contacts/query"] * 3


def test_what_costs_one_call_is_not_kept(tenant):
    for _ in range(2):
        with tenant.process(UNLIMITED) as target:
            target.read("Contacts", CONTACT_QUERIES[0], ["lastName"])

    assert tenant.paths() == ["Contacts/query"]
    assert not tenant.file.exists()


# --- the calls of a full read


@pytest.mark.parametrize("page", [SMALL, UNLIMITED])
def test_calls_and_spared_ones_are_those_of_a_full_read(tenant, page):
    def calls() -> int:
        with tenant.process(page) as target:
            target.read("Companies", [], NAMES)
            target.read("Countries", [], ["name"])
            for where in CONTACT_QUERIES:
                target.read("Contacts", where, ["firstName", "companyID", "lastName"])
            return target.calls + target.spared

    in_full = calls()
    assert calls() == in_full
    tenant.write("update", 2, phone="22")
    edit_contact(tenant, 3, lastName="D")
    assert calls() == in_full


# --- the file


def test_the_file_has_no_credentials_and_is_its_owners_alone(tenant):
    tenant.read()

    text = tenant.file.read_text()
    assert "Company 2" in text
    assert [hidden for hidden in ("api@demo", "DEMO") if hidden in text] == []
    assert os.name == "nt" or tenant.file.stat().st_mode & 0o077 == 0


def test_a_file_that_has_not_changed_is_not_written_again(tenant):
    tenant.read()
    before = tenant.file.stat()

    tenant.read()

    assert tenant.file.stat().st_mtime_ns == before.st_mtime_ns


def _altered(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def alter(file: Path) -> None:
        document = json.loads(file.read_text())
        change(document)
        file.write_text(json.dumps(document))

    return alter


def _of_companies(**values: Any) -> Callable[[Path], None]:
    return _altered(lambda document: document["entities"]["Companies"][0].update(values))


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"\xff{"),
        lambda file: file.write_bytes(b"[" * 5000),
        lambda file: file.write_bytes(b"[]"),
        lambda file: file.write_bytes(file.read_bytes()[:-40]),
        lambda file: (file.unlink(), file.mkdir()),
        _altered(lambda document: document.update(version=0)),
        _altered(lambda document: document.pop("entities")),
        _altered(lambda document: document.update(tenant="another")),
        _altered(lambda document: document.update(entities={"Companies": [5]})),
        _of_companies(read="2026-11-20T12:00:00"),
        _of_companies(full=None),
        _of_companies(full="2026-11-20T12:00:01+00:00"),  # after this moment
        _of_companies(pieces=[]),
        _of_companies(pieces=[[{"companyName": "no id"}]]),
        _of_companies(pieces=[[{"id": {"decimal": "x"}}]]),
    ],
)
def test_a_damaged_or_foreign_file_counts_as_absent_and_is_replaced(tenant, damage):
    tenant.read()
    damage(tenant.file)

    assert tenant.read() == tenant.all()
    assert tenant.paths() == IN_FULL
    if tenant.file.is_dir():
        tenant.file.rmdir()
        tenant.read()
    tenant.read()
    assert tenant.paths() == [QUERY, COUNT]
    assert any("gte" in str(body) for _, body in tenant.sent)


@pytest.mark.parametrize("identity", ["another tenant", "sandbox in other.sqlite"])
def test_the_records_of_another_tenant_are_not_used(tenant, identity):
    tenant.read()

    tenant.read(identity=identity)

    assert tenant.paths() == IN_FULL
    assert "gte" not in str(tenant.sent)


def test_the_records_of_before_a_run_are_not_used(tenant):
    tenant.read(epoch="before")

    tenant.read(epoch="after")

    assert tenant.paths() == IN_FULL
    assert "gte" not in str(tenant.sent)


def test_two_processes_at_once_are_safe(tenant):
    with tenant.process() as first, tenant.process() as second:
        for target in (first, second):
            target.read("Companies", [], NAMES)
        tenant.passes(hours=5)
        tenant.write("update", 2, phone="22")

    assert tenant.read() == tenant.all()


def test_more_than_the_file_may_hold_is_not_kept(tenant, monkeypatch):
    tenant.read()
    monkeypatch.setattr(kept_records, "LARGEST", 100)
    tenant.passes(hours=5)
    tenant.write("update", 2, phone="22")

    tenant.read()

    assert not tenant.file.exists()


def test_a_file_that_cannot_be_written_costs_the_next_process_a_full_read(tenant, caplog):
    tenant.file.parent.write_text("a file in the place of the folder")

    assert tenant.read() == tenant.all()

    assert "tenant.known.json cannot be written" in caplog.text


def test_numbers_are_kept_exactly(tenant):
    tenant.seed(
        records={
            "Companies": [
                {**one, "assetValue": 0.1 + one["id"]} for one in WORLD["records"]["Companies"]
            ]
        }
    )

    def read() -> Any:
        with tenant.process() as target:
            return target.read("Companies", [], ["assetValue"])

    assert read() == read()
    assert "gte" in str(tenant.sent)


def test_a_refusal_of_a_read_is_still_one(tenant):
    tenant.refuses = lambda body: "filter" in body

    with tenant.process() as target, pytest.raises(TargetRejected, match="Unable to find"):
        target.read("Companies", [], NAMES)


def test_metadata_that_has_changed_causes_everything_to_be_read_again(tenant):
    with tenant.process(UNLIMITED) as target:
        target.read("Companies", [], NAMES)
    with tenant.process(UNLIMITED) as target:
        target.read("Companies", [], NAMES)
        target._changed.begin_again()
        target.read("Companies", [], NAMES)
        assert tenant.paths() == [QUERY, QUERY]
