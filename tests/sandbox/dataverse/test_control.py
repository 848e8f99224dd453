"""Control routes of the Dataverse sandbox, and faults that are set by them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from trueup.errors import SandboxError, SourceError
from trueup.sandbox.dataverse.faults import OWN
from trueup.sandbox.dataverse.store import RowStore
from trueup.sandbox.http.fault_effects import KINDS
from trueup.sandbox.http.request import Request
from trueup.wiring import SystemClock

from tests.support.dataverse_client import DataverseClient, small_sandbox
from tests.support.dataverse_world import CHANGE_TABLE as LOG
from tests.support.dataverse_world import DataverseWorld as World
from tests.support.dataverse_world import key
from tests.support.seeded_databases import database

Control = Callable[..., Any]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_sandbox(tmp_path / "dataverse.sqlite") as sandbox:
        yield World(sandbox, tmp_path)


@pytest.fixture
def control(world: World) -> Control:
    """Calls a control route, which must answer with a status; returns its document."""

    def call(verb: str, name: str, body: object = None, status: int = 200, **headers: str) -> Any:
        url = f"{world.sandbox.url}/sandbox/{name}"
        with httpx.Client(trust_env=False, verify=False) as client:  # noqa: S501 -- plain HTTP needs no certificates
            response = client.request(verb, url, json=body, headers=headers)
        assert response.status_code == status, response.text
        return response.json()

    return call


def test_the_overview_shows_the_rows_and_lists_the_routes(control: Control):
    overview = control("GET", "")

    assert (overview["rows"][LOG], overview["rows"]["account"], overview["faults"]) == (5, 1, [])
    routes = {"POST /sandbox/faults", "POST /sandbox/clock", "GET /sandbox/dump"}
    assert routes <= {*overview["routes"]}
    assert control("GET", "nothing", status=404)["routes"] == overview["routes"]


def test_the_shared_kinds_of_faults_and_three_more_can_be_set(control: Control):
    for kind in (*KINDS, *OWN):
        control("POST", "faults", {"kind": kind, "path": "nowhere"})

    assert [fault["kind"] for fault in control("GET", "faults")["faults"]] == [*KINDS, *OWN]

    error = control("POST", "faults", {"kind": "drop", "colour": "red"}, 400)["errors"][0]
    assert error.startswith("A fault has no colour; it has kind, ")
    control("POST", "faults", {"kind": "hide", "hide": {"account": [1]}}, 400)


def test_a_fault_set_over_http_is_counted_and_can_be_removed(world: World, control: Control):
    number = control("POST", "faults", {"kind": "error", "path": "changelogs$", "times": 2})["id"]
    control("POST", "faults", {"kind": "html", "path": "nowhere", "times": 0})

    assert len(world.read()) == 5

    faults = [(fault["id"], fault["seen"]) for fault in control("GET", "faults")["faults"]]
    assert faults == [(number, 3), (number + 1, 0)]
    hit = [
        (request["status"], request["fault"])
        for request in control("GET", "requests")["requests"]
        if LOG in request["path"] and request["fault"]
    ]
    assert hit == [(503, "error"), (503, "error")]

    assert control("DELETE", "faults", {"id": number})["faults"] == [
        {"id": number + 1, "seen": 0, "kind": "html", "path": "nowhere", "times": 0}
    ]
    assert control("DELETE", "faults", {}) == {"faults": []}
    control("DELETE", "requests", {})
    assert control("GET", "requests") == {"requests": [], "counts": {}}


def test_control_routes_need_this_machine_and_json(world: World, control: Control):
    request = Request("GET", "/sandbox/dump", "", {}, b"", "http://x")

    assert world.sandbox.answer(request, "192.0.2.7").status == 403
    assert world.sandbox.answer(request, "::1").status == 200
    assert control("POST", "faults", {"kind": "drop"}, 415, **{"Content-Type": "text/plain"})
    assert control("GET", "faults")["faults"] == []


def test_access_tokens_and_change_tokens_expire_by_the_clock(world: World, control: Control):
    with world.source() as source:
        source.read("license_change", ["quantity"])
        control("POST", "clock", {"advance": 3700})
        source.read("license_change", ["quantity"])
        assert (world.sandbox.token_endpoint.issued, source.notices) == (2, ())

        control("POST", "clock", {"advance": 8 * 24 * 3600})
        source.read("license_change", ["quantity"])
        assert world.sandbox.token_endpoint.issued == 3
        assert "Version stamp associated with the client has expired." in source.notices[0]

    stopped = control("POST", "clock", {"stands": "2030-01-01"})
    assert stopped == {"now": "2030-01-01T00:00:00+00:00"}
    assert control("POST", "clock", {"stands": "never"}, 400)


def test_rows_are_changed_added_and_deleted(world: World, control: Control):
    control("POST", "rows", {"table": LOG, "id": key(1), "values": {"work365_lcl_quantity": 77}})
    control("POST", "rows", {"table": LOG, "id": key(9), "values": {"work365_lcl_name": "new"}})
    control("DELETE", "rows", {"table": LOG, "id": key(2)})

    rows = world.read(columns=["name", "quantity"])

    assert [row["id"] for row in rows] == [key(number) for number in (1, 3, 4, 5, 9)]
    assert (rows[0]["quantity"], rows[-1]["name"]) == (Decimal(77), "new")
    for wrong in (
        {"table": "x", "id": key(1)},
        {"table": LOG},
        {"table": LOG, "id": key(1), "values": {"x": 1}},
    ):
        control("POST", "rows", wrong, 400)


def test_a_snapshot_is_restored_under_a_running_server_and_all_changes_are_read(
    world: World, control: Control, tmp_path: Path
):
    file = {"file": str(tmp_path / "snap")}
    before = control("GET", "dump")
    control("POST", "snapshot", file)
    world.sandbox.change(LOG, key(1), work365_lcl_quantity=99)
    world.sandbox.remove(LOG, key(2))
    version, changed = world.sandbox.store.facts.version, world.read()
    assert control("GET", "dump") != before

    control("POST", "restore", file)

    assert control("GET", "dump") == before
    assert world.read() == world.read(cached=False) != changed
    assert world.sandbox.store.facts.version >= version
    assert [file.name for file in tmp_path.glob("snap*")] == ["snap"]


def test_a_database_of_another_sandbox_is_not_restored_or_opened(control: Control, tmp_path: Path):
    file = tmp_path / "autotask.sqlite"
    file.write_bytes(database("{}"))

    refused = control("POST", "restore", {"file": str(file)}, 400)
    assert "is not a sandbox database" in refused["errors"][0]
    with pytest.raises(SandboxError, match="it belongs to another program"):
        RowStore(file)
    missing = control("POST", "restore", {"file": str(tmp_path / "x")}, 400)
    assert "no such file" in missing["errors"][0]


def test_rows_are_hidden_as_by_a_restricted_role(world: World):
    world.fault("hide", hide={LOG: [key(2).upper()]}, times=0)

    assert [row["id"] for row in world.read(page=2)] == [key(number) for number in (1, 3, 4, 5)]
    with world.source(cached=False) as source:
        definition = source._tables.define(LOG)
        with pytest.raises(SourceError, match="Does Not Exist"):
            source.client.get(f"{definition.entity_set}({key(2)})", "looking", bytes)


@pytest.mark.parametrize("when", ["before", "after"])
def test_rows_faults_and_address_are_the_same_after_a_restart(
    world: World, control: Control, when: str
):
    url = world.sandbox.url
    restart = {"kind": "restart", "path": "changelogs$", "seconds": 0.1, "when": when}
    control("POST", "faults", restart)

    rows = replace(world, clock=SystemClock()).read()

    assert (len(rows), world.sandbox.url) == (5, url)
    assert [fault["seen"] for fault in control("GET", "faults")["faults"]] == [2]


def test_faults_are_stored_and_a_late_write_takes_effect_at_the_latest_when_the_server_closes(
    tmp_path: Path,
):
    path = tmp_path / "dataverse.sqlite"
    with small_sandbox(path) as sandbox, DataverseClient(sandbox) as client:
        sandbox.faults.set({"kind": "late", "verb": "DELETE", "seconds": 60})
        sandbox.faults.set({"kind": "drop", "path": "nowhere"})
        with pytest.raises(httpx.RemoteProtocolError):
            client.http.delete(f"work365_licensechangelogs({key(1)})")
        assert sandbox.store.get(LOG, key(1)) is not None

    with small_sandbox(path) as sandbox:
        assert sandbox.store.get(LOG, key(1)) is None
        assert [fault["kind"] for fault in sandbox.faults.known()] == ["late", "drop"]


def test_an_environment_in_memory_can_be_copied_into_a_file(tmp_path: Path):
    with small_sandbox() as sandbox:
        sandbox.store.snapshot(tmp_path / "copy.sqlite")

    with closing(RowStore(tmp_path / "copy.sqlite")) as copy:
        assert copy.count(LOG) == 5
