"""Lines of a worker's log."""

import json

from trueup.fleet.event_log import EventLog


def test_a_line_for_people_holds_one_event_with_what_it_is_about():
    lines = []
    log = EventLog(about={"worker": "here:1"}, write=lines.append)

    log.emit("run ended", tenant="acme", text="first line\n  second", state_run="")

    at, rest = lines[0].split(" ", 1)
    assert at.endswith("+00:00")
    assert rest == ('run ended worker=here:1 tenant=acme text="first line second" state_run=""')


def test_a_line_for_programs_is_a_json_object():
    lines = []

    EventLog(as_json=True, write=lines.append).emit("run began", tenant="müller", run=3)

    event = json.loads(lines[0])
    assert "\n" not in lines[0]
    assert (event["event"], event["tenant"], event["run"]) == ("run began", "müller", 3)


def test_without_a_writer_a_line_goes_to_stderr(capsys):
    EventLog().emit("worker began")

    assert capsys.readouterr().err.endswith("worker began \n")
