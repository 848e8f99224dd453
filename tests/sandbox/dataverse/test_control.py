"""The stand-in's control routes: faults in the words of Autotask's sandbox, clock, rows, snapshots; from here only."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.errors import SandboxError
from engine.sandbox.dataverse.faults import OWN
from engine.sandbox.dataverse.server import DataverseSandbox
from engine.sandbox.dataverse.store import RowStore
from engine.sandbox.faults import KINDS
from engine.sandbox.request import Request
from tests.seeded import database
from tests.source.bench_dataverse import Clock
from tests.source.dataverse_worlds import LOG, TABLES, World, account, environment, key, log

ROWS = {"license_change": [log(number) for number in range(1, 6)], "account": [account(1)]}
Control = Callable[..., Any]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with DataverseSandbox(TABLES, ROWS, environment(), database=tmp_path / "dataverse.sqlite") as sandbox:
        yield World(sandbox, tmp_path)


@pytest.fixture
def control(world: World) -> Control:
    """A control route's answer, which must be of that status."""

    def asked(verb: str, name: str, said: object = None, status: int = 200, **headers: str) -> Any:
        reply = httpx.request(verb, f"{world.sandbox.url}/sandbox/{name}", json=said, headers=headers, trust_env=False)
        assert reply.status_code == status, reply.text
        return reply.json()

    return asked


def test_the_overview_tells_what_there_is_and_lists_the_routes(control: Control):
    told = control("GET", "")

    assert (told["rows"][LOG], told["rows"]["account"], told["faults"]) == (5, 1, [])
    assert {"POST /sandbox/faults", "POST /sandbox/clock", "GET /sandbox/dump"} <= {*told["routes"]}
    assert control("GET", "nothing", status=404)["routes"] == told["routes"]


def test_it_knows_every_kind_of_autotasks_sandbox_and_three_of_its_own(control: Control):
    for kind in (*KINDS, *OWN):
        control("POST", "faults", {"kind": kind, "path": "nowhere"})

    assert [fault["kind"] for fault in control("GET", "faults")["faults"]] == [*KINDS, *OWN]
    assert "not ['colour']" in control("POST", "faults", {"kind": "drop", "colour": "red"}, 400)["errors"][0]
    control("POST", "faults", {"kind": "hide", "hide": {"account": [1]}}, 400)


def test_a_fault_that_is_set_over_http_hits_is_counted_and_can_be_taken_away(world: World, control: Control):
    number = control("POST", "faults", {"kind": "error", "path": "changelogs$", "times": 2})["id"]
    control("POST", "faults", {"kind": "html", "path": "nowhere", "times": 0})

    assert len(world.read()) == 5
    assert [(one["id"], one["seen"]) for one in control("GET", "faults")["faults"]] == [(number, 3), (number + 1, 0)]
    log = [(one["status"], one["fault"]) for one in control("GET", "requests")["requests"] if LOG in one["path"]]
    assert [one for one in log if one[1]] == [(503, "error"), (503, "error")]
    assert control("DELETE", "faults", {"id": number})["faults"] == [
        {"id": number + 1, "seen": 0, "kind": "html", "path": "nowhere", "times": 0}
    ]
    assert control("DELETE", "faults", {}) == {"faults": []}
    control("DELETE", "requests", {})
    assert control("GET", "requests") == {"requests": [], "counts": {}}


def test_control_routes_are_for_this_machine_and_for_json_alone(world: World, control: Control):
    request = Request("GET", "/sandbox/dump", "", {}, b"", "http://x")

    assert world.sandbox.answer(request, "192.0.2.7").status == 403
    assert world.sandbox.answer(request, "::1").status == 200
    assert control("POST", "faults", {"kind": "drop"}, 415, **{"Content-Type": "text/plain"})
    assert control("GET", "faults")["faults"] == []


def test_tokens_and_change_tokens_expire_by_the_clock(world: World, control: Control):
    with world.source() as source:
        source.read("license_change", ["quantity"])
        control("POST", "clock", {"advance": 3700})
        source.read("license_change", ["quantity"])
        assert (world.sandbox.door.given, source.remarks) == (2, ())
        control("POST", "clock", {"advance": 8 * 24 * 3600})
        source.read("license_change", ["quantity"])

        assert world.sandbox.door.given == 3
        assert "Version stamp associated with the client has expired." in source.remarks[0]
    assert control("POST", "clock", {"stands": "2030-01-01"}) == {"now": "2030-01-01T00:00:00+00:00"}
    assert control("POST", "clock", {"stands": "never"}, 400)


def test_somebody_works_in_work_365(world: World, control: Control):
    control("POST", "rows", {"table": LOG, "id": key(1), "values": {"work365_lcl_quantity": 77}})
    control("POST", "rows", {"table": LOG, "id": key(9), "values": {"work365_lcl_name": "new"}})
    control("DELETE", "rows", {"table": LOG, "id": key(2)})

    rows = world.read(columns=["name", "quantity"])

    assert [row["id"] for row in rows] == [key(number) for number in (1, 3, 4, 5, 9)]
    assert (rows[0]["quantity"], rows[-1]["name"]) == (Decimal(77), "new")
    for wrong in ({"table": "x", "id": key(1)}, {"table": LOG}, {"table": LOG, "id": key(1), "values": {"x": 1}}):
        control("POST", "rows", wrong, 400)


def test_a_snapshot_is_restored_under_a_running_server_and_no_change_is_overlooked(
    world: World, control: Control, tmp_path: Path
):
    file = {"file": str(tmp_path / "snap")}
    before = control("GET", "dump")
    control("POST", "snapshot", file)
    world.sandbox.change(LOG, key(1), work365_lcl_quantity=99)
    world.sandbox.remove(LOG, key(2))
    version, changed = world.sandbox.store.version, world.read()
    assert control("GET", "dump") != before

    control("POST", "restore", file)

    assert control("GET", "dump") == before
    assert world.read() == world.read(kept=False) != changed
    assert world.sandbox.store.version >= version
    assert [found.name for found in tmp_path.glob("snap*")] == ["snap"]


def test_a_snapshot_of_another_sandbox_is_none_and_its_database_is_left_alone(control: Control, tmp_path: Path):
    file = tmp_path / "autotask.sqlite"
    file.write_bytes(database("{}"))

    assert "is not a sandbox database" in control("POST", "restore", {"file": str(file)}, 400)["errors"][0]
    with pytest.raises(SandboxError, match="it is one of something else"):
        RowStore(file)
    assert "no such file" in control("POST", "restore", {"file": str(tmp_path / "x")}, 400)["errors"][0]


def test_rows_are_hidden_as_by_a_narrowed_role(world: World):
    world.fault("hide", hide={LOG: [key(2).upper()]}, times=0)

    assert [row["id"] for row in world.read(page=2)] == [key(number) for number in (1, 3, 4, 5)]
    with world.source(kept=False) as source:
        definition = source._environment.define(LOG)
        with pytest.raises(Exception, match="Does Not Exist"):
            source.client.get(f"{definition.entity_set}({key(2)})", "looking", bytes)


@pytest.mark.parametrize("when", ["before", "after"])
def test_rows_faults_and_address_are_the_same_after_a_restart(world: World, control: Control, when: str):
    url = world.sandbox.url
    control("POST", "faults", {"kind": "restart", "path": "changelogs$", "seconds": 0.1, "when": when})

    rows = replace(world, clock=Clock()).read()

    assert (len(rows), world.sandbox.url) == (5, url)
    assert [fault["seen"] for fault in control("GET", "faults")["faults"]] == [2]


def test_faults_are_kept_in_the_database_and_a_late_write_lands_at_the_latest_with_the_end(tmp_path: Path):
    path = tmp_path / "kept.sqlite"
    with DataverseSandbox(TABLES, ROWS, environment(), database=path) as sandbox:
        sandbox.faults.set({"kind": "late", "verb": "DELETE", "seconds": 60})
        sandbox.faults.set({"kind": "drop", "path": "nowhere"})
        token = {"Authorization": f"Bearer {token_of(sandbox)}"}
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.delete(
                f"{sandbox.url}/api/data/v9.2/work365_licensechangelogs({key(1)})", headers=token, trust_env=False
            )
        assert sandbox.store.get(LOG, key(1)) is not None

    with DataverseSandbox(TABLES, ROWS, environment(), database=path) as sandbox:
        assert sandbox.store.get(LOG, key(1)) is None
        assert [fault["kind"] for fault in sandbox.faults.known()] == ["late", "drop"]


def token_of(sandbox: DataverseSandbox) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": sandbox.environment.client_id,
        "client_secret": sandbox.environment.client_secret,
        "scope": f"{sandbox.url}/.default",
    }
    url = f"{sandbox.url}/{sandbox.environment.tenant}/oauth2/v2.0/token"
    return httpx.post(url, data=form, trust_env=False).json()["access_token"]


def test_an_environment_without_a_file_can_be_copied_into_one(tmp_path: Path):
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        sandbox.store.snapshot(tmp_path / "copy.sqlite")

    with closing(RowStore(tmp_path / "copy.sqlite")) as copy:
        assert copy.count(LOG) == 5
