"""Control routes: clock, switches, snapshots, users; from this machine and with JSON only."""

import json

import pytest
from trueup.sandbox.autotask import switches
from trueup.sandbox.http.request import Request


def test_the_overview_lists_the_routes(api):
    overview = api.control("GET", "")

    assert "POST /sandbox/faults" in overview["routes"]
    assert api.send("GET", "/sandbox/nothing").status == 404
    assert api.send("POST", "/sandbox/dump", {}).status == 404


def test_every_switch_has_choices_and_a_reason(api):
    shown = api.control("GET", "switches")

    assert set(shown) == {switch.name for switch in switches.ALL}
    for switch in switches.ALL:
        assert shown[switch.name]["choices"] == list(switch.choices)
        assert len(switch.choices) > 1
        assert switch.why.endswith(".")


@pytest.mark.parametrize("chosen", [{"missing_record": "perhaps"}, {"nothing": "z"}])
def test_an_unknown_switch_or_value_is_refused(api, chosen):
    reply = api.send("POST", "/sandbox/switches", chosen)

    assert reply.status == 400
    assert "switch" in reply.errors


def test_switches_set_by_a_control_route_are_stored_and_win_over_those_of_the_start(
    api, sandbox, open_sandbox
):
    api.switch("missing_record", "404")
    sandbox.close()

    api.url = open_sandbox(switches=switches.Switches({"missing_record": "null"})).url

    assert api.get("Companies/7").status == 404


def test_the_clock_can_be_stopped_moved_and_reset(api):
    def moved(change):
        return api.control("POST", "clock", change)["now"]

    assert moved({"stands": "2030-01-01"}) == "2030-01-01T00:00:00+00:00"
    assert moved({"advance": 3600}).startswith("2030-01-01T01:00:0")
    assert moved({"now": "2031-05-05T12:00:00+02:00"}).startswith("2031-05-05T10:00:0")
    assert not moved({}).startswith("2031")


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

    new_user = {"ApiIntegrationCode": "C", "UserName": "u", "Secret": "s"}
    assert "IntegrationCode" in api.get("Companies/0").errors
    assert "permissions" in api.send("GET", "Companies/0", headers=new_user).errors

    unknown_level = {"users": [{**user, "level": "unheard-of"}]}
    assert api.send("POST", "/sandbox/users", unknown_level).status == 400
    assert api.send("POST", "/sandbox/users", {"users": [{"username": "u"}]}).status == 400


def test_a_reset_empties_the_database_and_a_document_seeds_it(api, tenant_document):
    api.control("POST", "reset", {})
    assert api.control("GET", "dump")["records"] == {}

    api.control("POST", "reset", tenant_document)
    assert len(api.query("Companies")) == 5


def test_a_control_request_needs_a_json_content_type(api):
    reply = api.send("POST", "/sandbox/reset", "{}", {"Content-Type": "text/plain"})

    assert reply.status == 415
    assert len(api.query("Companies")) == 5


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [("POST", "clock", '"x"'), ("POST", "post", {}), ("POST", "snapshot", {})],
)
def test_an_unreadable_control_request_is_answered_with_400(api, verb, path, body):
    assert api.send(verb, f"/sandbox/{path}", body).status == 400


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (
            "clock",
            {"stands": "tomorrow"},
            "'tomorrow' is not an instant, such as 2026-11-15T09:00:00Z",
        ),
        ("clock", {"stands": 5}, "5 is not an instant"),
        ("clock", {"now": "2026-13-01"}, "'2026-13-01' is not an instant"),
        ("clock", {"stands": "0001-01-01T00:00:00+14:00"}, "is not an instant"),
        ("clock", {"advance": "x"}, "'x' is not a number of seconds"),
        ("clock", {"advance": 1e30}, "the clock cannot be set that far"),
        ("post", {"until": "2026-02-30"}, "'2026-02-30' is not a day, such as 2026-11-15"),
        ("unpost", {"since": "soon"}, "'soon' is not a day"),
        ("unpost", {}, "the body has no 'since'"),
        ("seed", {"clock": {"stands": "tomorrow"}}, "is not an instant"),
        ("seed", {"posted_until": {"1": "soon"}}, "'soon' is not a day"),
        ("seed", {"posted_until": {"x": "2026-11-15"}}, "seed: does not have the right form"),
    ],
)
def test_an_invalid_control_request_is_refused_with_the_reason_and_changes_nothing(
    api, path, body, reason
):
    before = api.control("GET", "dump")
    reply = api.send("POST", f"/sandbox/{path}", body)

    assert reply.status == 400
    assert reason in reply.errors
    assert "Error" not in reply.errors
    assert api.control("GET", "dump") == before
    assert api.get("Companies/7").status == 200


def test_control_routes_can_only_be_used_from_this_machine(sandbox):
    request = Request("GET", "/sandbox/dump", "", {}, b"", "http://x")

    assert sandbox.answer(request, "192.0.2.7").status == 403
    assert sandbox.answer(request, "127.0.0.1").status == 200
    assert sandbox.answer(request, "::1").status == 200


def test_a_dump_seeds_an_equal_database(api, open_sandbox, tmp_path):
    api.adjust("2026-03-10", 3, adjustedUnitPrice=9)
    api.adjust("2026-05-01", 2, contractID=400, serviceID=301)
    api.control("POST", "post", {"until": "2026-02-28"})
    before = api.control("GET", "dump")
    file = tmp_path / "dump.json"
    file.write_text(json.dumps(before))

    api.url = open_sandbox(database=tmp_path / "other.sqlite", seed=file).url

    assert api.control("GET", "dump") == before


def test_restored_settings_apply_at_once_after_any_number_of_changes(api, tmp_path):
    first = {"file": str(tmp_path / "first.sqlite")}
    second = {"file": str(tmp_path / "second.sqlite")}
    api.control("POST", "snapshot", first)
    api.switch("missing_record", "404")
    api.control("POST", "snapshot", second)
    api.control("POST", "restore", first)
    api.switch("date_times", "bare")
    assert api.item("Contracts", 400)["startDate"] == "2026-01-01T00:00:00"

    api.control("POST", "restore", second)

    assert api.item("Contracts", 400)["startDate"] == "2026-01-01T00:00:00Z"
    assert api.get("Companies/7").status == 404
