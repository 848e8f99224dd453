"""Several plans of one reading: each finds what it would have found alone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from trueup.errors import EngineError
from trueup.model.document import dumps
from trueup.pipeline import PlanOptions, plan
from trueup.planning.shared_reads import SharedSource, SharedTarget, shared
from trueup.ports.source import RowUpdate
from trueup.ports.target import Condition
from trueup.ports.world import World
from trueup.source.files.source import FileSource

from tests.support.fakes import FakeTarget
from tests.support.scene import Scene, autotask, settled
from tests.support.small_project import changed, project

WITH_STREET = changed(
    "mappings/customer.yaml",
    '  phone: "{{ source.phone }}"\n',
    '  phone: "{{ source.phone }}"\n  address1: "{{ source.street }}"\n',
)


class Counting:
    """Passes everything on, and notes what is read."""

    def __init__(self, beneath):
        self._beneath, self.asked = beneath, []

    def __getattr__(self, name):
        return getattr(self._beneath, name)

    def read(self, *arguments):
        self.asked.append(arguments)
        return self._beneath.read(*arguments)


def _document(made):
    """The plan without the number of calls that it took."""
    return dumps(replace(made, summary=replace(made.summary, read_calls=0)))


def test_plans_of_a_shared_reading_are_those_of_their_own():
    first, second = project(), project(WITH_STREET)
    scene = Scene(records=autotask())
    source, target = Counting(scene.source), Counting(scene.target)
    world = shared(World(source, target, scene.state, scene.clock), (first, second))

    both = [_document(plan(one, world, PlanOptions())) for one in (first, second)]
    alone = [_document(plan(one, scene.world, PlanOptions())) for one in (first, second)]

    assert both == alone
    assert both[0] != both[1]


def test_the_second_plan_reads_nothing_that_the_first_has_read():
    first, second = project(), project(WITH_STREET)
    scene = Scene(records=autotask())
    source, target = Counting(scene.source), Counting(scene.target)
    world = shared(World(source, target, scene.state, scene.clock), (first, second))

    plan(first, world, PlanOptions())
    asked = [*source.asked], [*target.asked]
    plan(second, world, PlanOptions())

    assert (source.asked, target.asked) == asked


def test_a_second_plan_of_one_project_is_the_same_and_reads_nothing():
    scene = settled()
    scene.row("subscription")["quantity"] = 15
    world = shared(scene.world, (scene.project,))
    first = plan(scene.project, world)
    calls = scene.target.calls

    scene.row("subscription")["quantity"] = 99
    second = plan(scene.project, world)

    assert scene.target.calls == calls
    read_calls = first.summary.read_calls
    assert dumps(replace(second, summary=replace(second.summary, read_calls=read_calls))) == dumps(
        first
    )
    assert plan(scene.project, scene.world).ledger != first.ledger


@pytest.fixture
def accounts(tmp_path):
    """Exports in which the number of a row is of the wrong type."""
    (tmp_path / "account.csv").write_text(
        "id,name,modified_on\na,Alpine,2026-01-01T00:00:00Z\nb,Birch,soon\nc,Cedar,later\nc,Cedar,\n"
    )
    tables = project().catalogue.tables
    return Counting(FileSource(tmp_path, tables, "exports", zone=ZoneInfo("UTC")))


def test_a_row_is_left_out_only_for_columns_that_are_requested(accounts):
    reads = SharedSource(accounts, ())
    reads._columns, reads._keys = {"account": {"name", "modified_on"}}, {"account": "id"}

    whole = reads.read("account", ["id", "name", "modified_on"])
    named = reads.read("account", ["name"])

    assert [row["id"] for row in whole.rows] == ["a"]
    assert whole.rows[0]["modified_on"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert named.rows == [{"id": "a", "name": "Alpine"}, {"id": "b", "name": "Birch"}]
    assert {finding.key for finding in named.findings} == {"c"}
    assert len(accounts.asked) == 1


@pytest.fixture
def tenant():
    """Five companies."""
    companies = [
        {"id": id_, "companyName": f"C{id_}", "phone": str(id_), "companyType": id_ % 2}
        for id_ in range(1, 6)
    ]
    return Counting(FakeTarget(project().catalogue.entities, {"Companies": companies}))


def test_each_value_of_a_list_is_queried_once(tenant):
    reads = SharedTarget(tenant, ())

    first = reads.read("Companies", [Condition("id", "in", [3, 1, 9])], ["phone"])
    second = reads.read("Companies", [Condition("id", "in", [9, 2, 1])], ["phone"])

    assert first == [{"id": 1, "phone": "1"}, {"id": 3, "phone": "3"}]
    assert second == [{"id": 1, "phone": "1"}, {"id": 2, "phone": "2"}]
    assert [where[0].value for _, where, _ in tenant.asked] == [[3, 1, 9], [2]]


def test_other_conditions_and_further_fields_are_queried(tenant):
    reads = SharedTarget(tenant, ())
    odd, even = (Condition("companyType", "eq", value) for value in (1, 0))

    reads.read("Companies", [odd], ["phone"])
    found = [
        reads.read("Companies", [even], ["phone"]),
        reads.read("Companies", [odd], ["companyName"]),
        reads.read("Companies", [odd], ["phone", "companyName"]),
    ]

    assert [[record["id"] for record in records] for records in found] == [
        [2, 4],
        [1, 3, 5],
        [1, 3, 5],
    ]
    assert found[1][0] == {"id": 1, "companyName": "C1"}
    assert len(tenant.asked) == 3


def test_a_list_of_texts_is_one_condition(tenant):
    reads = SharedTarget(tenant, ())
    where = [Condition("companyName", "in", ["c1", "C2"])]

    found = [reads.read("Companies", where, ["phone"]) for _ in range(2)]

    assert found[0] == found[1] == [{"id": 1, "phone": "1"}, {"id": 2, "phone": "2"}]
    assert len(tenant.asked) == 1


def test_an_empty_list_still_checks_the_fields(tenant):
    reads = SharedTarget(tenant, ())

    reads.read("Companies", [Condition("id", "in", [])], ["phone"])

    assert len(tenant.asked) == 1


def test_nothing_can_be_written(tenant):
    scene = Scene()
    reads = SharedTarget(tenant, ())

    with pytest.raises(EngineError, match="writes nothing"):
        SharedSource(scene.source, ()).write("account", [RowUpdate("acc", {}, {})])
    with pytest.raises(EngineError, match="writes nothing"):
        reads.create("Companies", {})
    with pytest.raises(EngineError, match="writes nothing"):
        reads.update("Companies", 1, {"phone": "2"})
