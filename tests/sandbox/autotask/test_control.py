"""Control routes: clock, switches, snapshots, users; for this machine and for JSON only."""

import json

import pytest

from engine.sandbox import switches
from engine.sandbox.request import Request


def test_the_overview_lists_the_routes(api):
    told = api.control("GET", "")

    assert "POST /sandbox/faults" in told["routes"]
    assert api.send("GET", "/sandbox/nothing").status == 404
    assert api.send("POST", "/sandbox/dump", {}).status == 404


def test_every_switch_says_its_choices_and_why(api):
    told = api.control("GET", "switches")

    assert set(told) == {switch.name for switch in switches.ALL}
    for switch in switches.ALL:
        assert told[switch.name]["choices"] == list(switch.choices)
        assert len(switch.choices) > 1
        assert switch.why.endswith(".")


@pytest.mark.parametrize("said", [{"missing_record": "perhaps"}, {"nothing": "z"}])
def test_a_switch_that_is_none_is_refused(api, said):
    reply = api.send("POST", "/sandbox/switches", said)

    assert reply.status == 400
    assert "switch" in reply.errors


def test_switches_of_the_control_route_are_kept_and_lie_over_those_of_the_start(api, sandbox, open_sandbox):
    api.switch("missing_record", "404")
    sandbox.close()

    api.url = open_sandbox(switches=switches.Switches({"missing_record": "null"})).url

    assert api.get("Companies/7").status == 404


def test_the_clock_stands_runs_on_and_comes_back(api):
    assert api.control("POST", "clock", {"stands": "2030-01-01"})["now"] == "2030-01-01T00:00:00+00:00"
    assert api.control("POST", "clock", {"advance": 3600})["now"].startswith("2030-01-01T01:00:0")
    assert api.control("POST", "clock", {"now": "2031-05-05T12:00:00+02:00"})["now"].startswith("2031-05-05T10:00:0")
    assert not api.control("POST", "clock", {})["now"].startswith("2031")


def test_a_snapshot_is_restored_under_a_running_server(api, tmp_path):
    before = api.control("GET", "dump")
    api.control("POST", "snapshot", {"file": str(tmp_path / "snap.sqlite")})
    api.adjust("2026-03-10", 3)
    api.patch("Companies", {"id": 100, "phone": "99"})
    api.switch("missing_record", "404")
    assert api.control("GET", "dump") != before

    api.control("POST", "restore", {"file": str(tmp_path / "snap.sqlite")})

    assert api.control("GET", "dump") == before
    assert api.get("Companies/7").status == 200
    assert [file.name for file in tmp_path.glob("snap*")] == ["snap.sqlite"]


def test_users_and_levels_can_be_replaced(api):
    levels = {"none": {"entities": {}}}
    user = {"username": "u", "secret": "s", "integration_code": "C", "level": "none"}
    api.control("POST", "users", {"users": [user], "levels": levels})

    assert api.get("Companies/0").status == 500
    assert (
        api.send("GET", "Companies/0", headers={"ApiIntegrationCode": "C", "UserName": "u", "Secret": "s"}).status
        == 500
    )
    broken = {"users": [{**user, "level": "unheard-of"}]}
    assert api.send("POST", "/sandbox/users", broken).status == 400
    assert api.send("POST", "/sandbox/users", {"users": [{"username": "u"}]}).status == 400


def test_a_reset_empties_and_a_document_seeds_anew(api, world):
    api.control("POST", "reset", {})
    assert api.control("GET", "dump")["records"] == {}

    api.control("POST", "reset", world)
    assert len(api.query("Companies")) == 5


def test_a_control_write_must_say_that_it_is_json(api):
    reply = api.send("POST", "/sandbox/reset", "{}", {"Content-Type": "text/plain"})

    assert reply.status == 415
    assert len(api.query("Companies")) == 5


@pytest.mark.parametrize(
    ("verb", "path", "body"), [("POST", "clock", '"x"'), ("POST", "post", {}), ("POST", "snapshot", {})]
)
def test_a_control_request_that_cannot_be_read_is_a_400(api, verb, path, body):
    assert api.send(verb, f"/sandbox/{path}", body).status == 400


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("clock", {"stands": "tomorrow"}, "'tomorrow' is no instant, such as 2026-11-15T09:00:00Z"),
        ("clock", {"stands": 5}, "5 is no instant"),
        ("clock", {"now": "2026-13-01"}, "'2026-13-01' is no instant"),
        ("clock", {"stands": "0001-01-01T00:00:00+14:00"}, "is no instant"),
        ("clock", {"advance": "x"}, "'x' is no number of seconds"),
        ("clock", {"advance": 1e30}, "no clock goes as far as that"),
        ("post", {"until": "2026-02-30"}, "'2026-02-30' is no day, such as 2026-11-15"),
        ("unpost", {"since": "soon"}, "'soon' is no day"),
        ("unpost", {}, "the body has no 'since'"),
        ("seed", {"clock": {"stands": "tomorrow"}}, "is no instant"),
        ("seed", {"posted_until": {"1": "soon"}}, "'soon' is no day"),
        ("seed", {"posted_until": {"x": "2026-11-15"}}, "seed: not as a seed must be"),
    ],
)
def test_a_control_request_that_cannot_be_taken_is_told_in_words_and_nothing_has_changed(api, path, body, words):
    before = api.control("GET", "dump")
    reply = api.send("POST", f"/sandbox/{path}", body)

    assert reply.status == 400
    assert words in reply.errors
    assert "Error" not in reply.errors
    assert api.control("GET", "dump") == before
    assert api.get("Companies/7").status == 200


def test_control_routes_are_for_this_machine_alone(sandbox):
    request = Request("GET", "/sandbox/dump", "", {}, b"", "http://x")

    assert sandbox.answer(request, "192.0.2.7").status == 403
    assert sandbox.answer(request, "127.0.0.1").status == 200
    assert sandbox.answer(request, "::1").status == 200


def test_a_dump_is_a_seed_that_makes_the_same_again(api, open_sandbox, tmp_path):
    api.adjust("2026-03-10", 3, adjustedUnitPrice=9)
    api.adjust("2026-05-01", 2, contractID=400, serviceID=301)
    api.control("POST", "post", {"until": "2026-02-28"})
    before = api.control("GET", "dump")
    file = tmp_path / "dump.json"
    file.write_text(json.dumps(before))

    other = open_sandbox(database=tmp_path / "other.sqlite", seed=file)
    api.url = other.url

    assert api.control("GET", "dump") == before


def test_settings_of_a_snapshot_count_at_once_however_many_changes_lie_between(api, tmp_path):
    start, other = ({"file": str(tmp_path / name)} for name in ("start.sqlite", "other.sqlite"))
    api.control("POST", "snapshot", start)
    api.switch("missing_record", "404")
    api.control("POST", "snapshot", other)
    api.control("POST", "restore", start)
    api.switch("date_times", "bare")
    assert api.item("Contracts", 400)["startDate"] == "2026-01-01T00:00:00"

    api.control("POST", "restore", other)

    assert api.item("Contracts", 400)["startDate"] == "2026-01-01T00:00:00Z"
    assert api.get("Companies/7").status == 404
