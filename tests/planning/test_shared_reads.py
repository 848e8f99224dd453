"""Several plans of one reading: each finds what it would have found alone."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from trueup.errors import EngineError
from trueup.model.document import dumps
from trueup.pipeline import PlanOptions, plan
from trueup.planning.shared_reads import SharedSource, SharedTarget
from trueup.ports import Condition, RowUpdate, World
from trueup.source.files.source import FileSource

from tests.support.fakes import FakeTarget
from tests.support.scene import Scene, autotask
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
    shared = World(
        SharedSource(source, (first, second)),
        SharedTarget(target, (first, second)),
        scene.state,
        scene.clock,
    )

    both = [_document(plan(one, shared, PlanOptions())) for one in (first, second)]
    alone = [_document(plan(one, scene.world, PlanOptions())) for one in (first, second)]

    assert both == alone
    assert both[0] != both[1]


def test_the_second_plan_reads_nothing_that_the_first_has_read():
    first, second = project(), project(WITH_STREET)
    scene = Scene(records=autotask())
    source, target = Counting(scene.source), Counting(scene.target)
    shared = World(
        SharedSource(source, (first, second)),
        SharedTarget(target, (first, second)),
        scene.state,
        scene.clock,
    )

    plan(first, shared, PlanOptions())
    asked = [*source.asked], [*target.asked]
    plan(second, shared, PlanOptions())

    assert (source.asked, target.asked) == asked


@pytest.fixture
def accounts(tmp_path):
    """Exports in which the number of a row is of the wrong type."""
    (tmp_path / "account.csv").write_text(
        "id,name,modified_on\na,Alpine,2026-01-01T00:00:00Z\nb,Birch,soon\nc,Cedar,later\nc,Cedar,\n"
    )
    tables = project().catalogue.tables
    return Counting(FileSource(tmp_path, tables, "exports", zone=ZoneInfo("UTC")))


def test_a_row_is_left_out_only_for_columns_that_are_asked_for(accounts):
    shared = SharedSource(accounts, ())
    shared._columns, shared._keys = {"account": {"name", "modified_on"}}, {"account": "id"}

    whole = shared.read("account", ["id", "name", "modified_on"])
    named = shared.read("account", ["name"])

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


def test_each_value_of_a_list_is_asked_for_once(tenant):
    shared = SharedTarget(tenant, ())

    first = shared.read("Companies", [Condition("id", "in", [3, 1, 9])], ["phone"])
    second = shared.read("Companies", [Condition("id", "in", [9, 2, 1])], ["phone"])

    assert first == [{"id": 1, "phone": "1"}, {"id": 3, "phone": "3"}]
    assert second == [{"id": 1, "phone": "1"}, {"id": 2, "phone": "2"}]
    assert [where[0].value for _, where, _ in tenant.asked] == [[3, 1, 9], [2]]


def test_other_conditions_and_further_fields_are_asked_for(tenant):
    shared = SharedTarget(tenant, ())
    odd, even = (Condition("companyType", "eq", value) for value in (1, 0))

    shared.read("Companies", [odd], ["phone"])
    found = [
        shared.read("Companies", [even], ["phone"]),
        shared.read("Companies", [odd], ["companyName"]),
        shared.read("Companies", [odd], ["phone", "companyName"]),
    ]

    assert [[record["id"] for record in records] for records in found] == [
        [2, 4],
        [1, 3, 5],
        [1, 3, 5],
    ]
    assert found[1][0] == {"id": 1, "companyName": "C1"}
    assert len(tenant.asked) == 3


def test_a_list_of_texts_is_one_condition(tenant):
    shared = SharedTarget(tenant, ())
    where = [Condition("companyName", "in", ["c1", "C2"])]

    found = [shared.read("Companies", where, ["phone"]) for _ in range(2)]

    assert found[0] == found[1] == [{"id": 1, "phone": "1"}, {"id": 2, "phone": "2"}]
    assert len(tenant.asked) == 1


def test_an_empty_list_still_checks_the_fields(tenant):
    shared = SharedTarget(tenant, ())

    shared.read("Companies", [Condition("id", "in", [])], ["phone"])

    assert len(tenant.asked) == 1


def test_nothing_can_be_written(tenant):
    scene = Scene()
    shared = SharedTarget(tenant, ())

    with pytest.raises(EngineError, match="writes nothing"):
        SharedSource(scene.source, ()).write("account", [RowUpdate("acc", {}, {})])
    with pytest.raises(EngineError, match="writes nothing"):
        shared.create("Companies", {})
    with pytest.raises(EngineError, match="writes nothing"):
        shared.update("Companies", 1, {"phone": "2"})
