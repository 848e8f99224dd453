"""Notices over a real server on loopback: what arrives, once, and what of it is never shown."""

import json
import logging
import shutil
import socket
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Thread
from typing import Any

import pytest
from trueup import notices, pipeline
from trueup.cli.main import run
from trueup.errors import PlanRefused, TargetUnavailable
from trueup.model.change import Action
from trueup.model.notice import Details, Event, Notice, Occasion
from trueup.model.outcome import ChangeOutcome, ChangeStatus, Outcome
from trueup.operations.apply import apply, plan_and_apply, resume
from trueup.operations.listener import Listener
from trueup.operations.notify import NOTICES
from trueup.operations.plan import plan
from trueup.operations.project import load_project
from trueup.pipeline import ApplyOptions, PlanOptions
from trueup.render.notice import notice_text, outcome_notice

from tests.scenarios.beginnings import Service
from tests.scenarios.world import World

CANARY = "k4n4ry-5ecret"


class Inbox:
    """A service that takes notices as JSON; `status` is its answer."""

    def __init__(self):
        self.taken, self.status = [], 200
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if inbox.status == 200:
                    inbox.taken.append(json.loads(body))
                self.send_response(inbox.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.address = f"json://{CANARY}:pw-{CANARY}@127.0.0.1:{self._server.server_port}/{CANARY}"

    @property
    def texts(self):
        return [one["message"] for one in self.taken]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def inbox(monkeypatch):
    one = Inbox()
    monkeypatch.setenv("NOTICES", one.address)
    yield one
    one.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a row that waits, two unexplained seats, and changes to apply."""
    folder = tmp_path_factory.mktemp("notify") / "work"
    world = World(
        folder,
        Service(seats=13, changes={"2026-11-10": 3}),
        Service("two", seats=10, billed=8),
        Service(
            "held",
            seats=12,
            changes={"2026-11-12": 2},
            log={"provisioning_status": "Awaiting Provisioning"},
        ),
    )
    world.plan()
    return folder


@pytest.fixture
def project(made, tmp_path):
    """Loads a copy of the project with these options for notices, and these edits."""
    folder = shutil.copytree(made, tmp_path / "work")
    file = folder / "trueup.yaml"
    text = file.read_text(encoding="utf-8")

    def load(options="", *edits):
        edited = f'{text}notify:\n  to: ["{{{{ env.NOTICES }}}}"]\n{options}'
        for old, new in edits:
            assert old in edited
            edited = edited.replace(old, new)
        file.write_text(edited, encoding="utf-8")
        return load_project(folder)

    loader: Any = load
    loader.folder = folder
    return loader


@pytest.fixture
def reported():
    """What was reported to the listener."""
    return []


@pytest.fixture
def listener(reported):
    return Listener(notice=reported.append)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("  details: none\n", "Something waits for a person."),
        ("", "2 rows need a person."),
        ("  details: amounts\n", "2 rows need a person: +£40.00 a month."),
        ("  details: names\n", "(Alpine Dental)"),
    ],
)
def test_a_notice_contains_as_much_as_the_setting_allows(
    inbox, project, listener, reported, options, text
):
    plan(project(options), listener=listener)

    [message] = inbox.texts
    assert text in message
    assert inbox.taken[0]["title"] == "trueup: Northgate IT, licences to invoices"
    says = {"£": "amounts" in options or "names" in options, "Alpine": "names" in options,
            "2": "none" not in options}  # fmt: skip
    assert {word: word in message for word in says} == says
    assert reported == []


def test_the_same_plan_is_notified_once_and_another_one_again(inbox, project, listener):
    loaded = project()
    plan(loaded, listener=listener)
    plan(loaded, listener=listener)
    assert len(inbox.taken) == 1
    (project.folder / ".trueup" / NOTICES).unlink()
    plan(loaded, listener=listener)

    assert len(inbox.taken) == 2


def test_what_could_not_be_sent_is_sent_by_the_next_plan(inbox, project, listener, reported):
    loaded = project()
    inbox.status = 500
    plan(loaded, listener=listener)
    [line] = reported
    assert line.startswith("trueup.yaml:")
    assert "to env.NOTICES was not sent: the service answered with HTTP status 500; look" in line
    assert not (project.folder / ".trueup" / NOTICES).exists()
    inbox.status = 200
    plan(loaded, listener=listener)

    assert len(inbox.taken) == 1


def test_a_part_of_a_plan_and_a_plan_of_another_day_send_no_notice(inbox, project, listener):
    loaded = project()
    plan(loaded, PlanOptions(targets=("customer",)), listener)
    plan(loaded, keep=False)

    assert inbox.taken == []


@pytest.mark.parametrize(("above", "is_told"), [("", False), ("20", False), ("19.99", True)])
def test_a_leak_is_notified_above_the_amount(inbox, project, listener, above, is_told):
    options = "  events: [leak]\n" + (f"  leak_above: {above}\n" if above else "")
    plan(project(options), listener=listener)

    assert (
        inbox.texts
        == ["The ledger has more unexplained money than is allowed, in 1 line."] * is_told
    )


def test_a_limit_is_notified_with_its_name(inbox, project, listener):
    loaded = project("  events: [limit]\n", ("adjustments: {count: 100", "adjustments: {count: 0"))
    with pytest.raises(PlanRefused):
        plan_and_apply(loaded, lambda _plan: True, listener=listener)

    [message] = inbox.texts
    assert message.startswith("The plan is over ")
    assert "adjustments" in message


def applied(project, listener, options=None):
    made = plan(project, keep=False)
    return apply(project, made, options or ApplyOptions(), listener)


def test_a_run_that_is_stopped_sends_a_notice(inbox, project, listener):
    loaded = project("  events: [stopped, failed]\n")
    options = ApplyOptions()
    options.stop.set()
    outcome = applied(loaded, listener, options)
    assert resume(loaded, listener=listener).complete

    [message] = inbox.texts
    assert message == (
        f"A run was stopped; {outcome.remaining} changes of it not tried.\n"
        f"`trueup history show {outcome.run}` has all of it."
    )


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (ChangeStatus.APPLIED, None),
        (ChangeStatus.ALREADY, None),
        (ChangeStatus.NOT_KEPT, Event.FAILED),
        (ChangeStatus.FAILED, Event.FAILED),
        (ChangeStatus.HELD, Event.FAILED),
        (ChangeStatus.IN_DOUBT, Event.IN_DOUBT),
        (ChangeStatus.SKIPPED, None),
    ],
)
def test_a_change_that_did_not_go_through_is_an_event(status, event):
    change = ChangeOutcome("c1", "Premium", status, "service", Action.UPDATE)

    notice = outcome_notice(Outcome("r1", (change,)))

    assert notice.occasions == ((Occasion(event, 1, names=["Premium"]),) if event else ())


def test_a_run_that_cannot_be_carried_out_sends_a_notice_and_raises_its_error(
    inbox, project, listener, monkeypatch
):
    def down(*_arguments):
        raise TargetUnavailable(f"no answer from {CANARY}")

    monkeypatch.setattr(pipeline, "apply", down)
    with pytest.raises(TargetUnavailable):
        applied(project(), listener)

    assert inbox.texts == ["A run did not go through: the output of the command shows why."]


def test_a_notice_that_cannot_be_sent_leaves_outcome_and_exit_code_as_they_are(
    inbox, project, capsys, monkeypatch
):
    project()
    inbox.status = 403
    at = ["--project", str(project.folder)]
    assert run(["plan", "--out", str(project.folder / "plan.json"), *at]) == 0
    assert "HTTP status 403" in capsys.readouterr().err
    assert run(["apply", str(project.folder / "plan.json"), "--yes", *at]) == 0


@pytest.fixture
def root_log():
    """What reaches the handlers of the root logger, as those of a host application."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("", "the environment variable NOTICES is not set; export NOTICES=…"),
        (f"nothing://{CANARY}", "holds no address that Apprise knows"),
        (
            f"json://{CANARY}:{CANARY}@127.0.0.1:1/{CANARY}",
            "could not be reached, or refused the notice",
        ),
        (f"https://{CANARY} [", "holds no address that Apprise knows"),
    ],
)
def test_no_part_of_an_address_is_shown(project, capfd, monkeypatch, root_log, value, cause):
    monkeypatch.setenv("NOTICES", value)
    monkeypatch.setattr(logging.getLogger("apprise"), "level", logging.DEBUG)
    project()
    code = run(["notify", "--test", "--project", str(project.folder)])
    out, err = capfd.readouterr()

    assert code == 1
    assert cause in out
    assert CANARY not in out + err + root_log.getvalue()


def test_a_defect_of_notices_leaves_the_plan_as_it_is(project, listener, reported, monkeypatch):
    def broken(*_arguments):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(notices, "send", broken)

    assert plan(project(), listener=listener).ledger
    assert reported == ["notices failed with RuntimeError: a fault in trueup, please report it"]


def test_a_service_that_never_answers_is_given_up(project, listener, reported, monkeypatch):
    monkeypatch.setattr(notices, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("NOTICES", f"json://127.0.0.1:{port}/{CANARY}")
        plan(project(), listener=listener)

    assert "no answer within 0.2 seconds" in reported[0]


def test_a_test_notice_arrives_at_each_address_whatever_was_sent_before(inbox, project, capsys):
    project()
    for _ in range(2):
        assert run(["notify", "--test", "--project", str(project.folder)]) == 0

    assert inbox.texts == ["This is a test. Notices of this project arrive here."] * 2
    assert "to env.NOTICES was sent." in capsys.readouterr().out


def test_an_address_that_is_named_twice_gets_each_notice_once(inbox, project, listener):
    edit = ('to: ["{{ env.NOTICES }}"]', 'to: ["{{ env.NOTICES }}", "{{ env.NOTICES }}"]')
    plan(project("", edit), listener=listener)

    assert len(inbox.taken) == 1


@pytest.mark.parametrize("written", [f"json://{CANARY}@h", f"{{{{ env.N }}}}/{CANARY}"])
def test_an_address_in_the_file_is_refused_and_not_shown(project, capsys, written):
    file = project.folder / "trueup.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f'{text}notify: {{to: ["{written}"]}}\n', encoding="utf-8")
    assert run(["validate", "--project", str(project.folder)]) == 1
    out = "".join(capsys.readouterr())

    assert "an address is a secret: put it into a variable of the environment" in out
    assert CANARY not in out


def test_validate_needs_no_address_and_sends_nothing(project, capsys, monkeypatch):
    monkeypatch.delenv("NOTICES", raising=False)
    monkeypatch.setattr(notices, "send", None)
    project()

    assert run(["validate", "--project", str(project.folder)]) == 0
    assert "NOTICES is not set: no notice goes there" in capsys.readouterr().out


def test_without_apprise_the_remedy_is_named(project, listener, reported, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    plan(project(), listener=listener)

    assert reported[0].endswith("which is not installed; `pip install 'trueup[notify]'`")


@pytest.mark.parametrize(
    ("money", "unpriced", "text"),
    [
        (Decimal(5), 0, ": +£5.00 a month."),
        (Decimal(5), 2, ": +£5.00 a month and 2 lines without a price."),
        (None, 1, ": 1 line without a price."),
        (None, 0, "."),
    ],
)
def test_the_money_of_a_notice_names_what_it_lacks(money, unpriced, text):
    occasion = Occasion(Event.WAITING, 3, money=money, unpriced=unpriced)
    sentence = f"3 rows need a person{text}"

    assert notice_text(Notice("d", (occasion,)), Details.AMOUNTS, "GBP") == sentence


def test_names_in_a_notice_are_harmless():
    names = ["Alpine \u202e\x1b[2J\nDental"]
    notice = Notice("d", (Occasion(Event.FAILED, 1, names=names),), run="7ace")

    assert notice_text(notice, Details.NAMES, "GBP") == (
        "1 change did not go through (Alpine \\u202e\\x1b[2J Dental).\n"
        "`trueup history show 7ace` has all of it."
    )
