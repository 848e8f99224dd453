"""Processes on a real terminal and in real pipes.

Colour, questions, Ctrl-C, readers that go away.
"""

import codecs
import fcntl
import getpass
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from trueup.cli import signals as stopping
from trueup.cli.common import CommandContext
from trueup.cli.progress import Meter, listening, time_left
from trueup.model.progress import Progress
from trueup.operations.user import current_user
from trueup.render import sanitize
from trueup.render.style import PLAIN
from trueup.sandbox.autotask.server import Sandbox

from tests.support.forked import fork, run
from tests.support.paths import ROOT
from tests.support.seeded_databases import ENTITIES

COMMAND = [sys.executable, "-m", "trueup"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "engine"), "TERM": "xterm"}
ENVIRONMENT.pop("NO_COLOR", None)
ENVIRONMENT.pop("COLUMNS", None)


class Terminal:
    """A process on a terminal of its own; gathers what it shows."""

    def __init__(self, folder, *arguments, columns=80, **more):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.shown = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.process = fork(
            folder,
            arguments,
            (slave, slave, slave),
            environment={"TERM": "xterm", **more},
            terminal=True,
            others=(self.master,),
        )
        os.close(slave)

    def until(self, text, seconds=60):
        """Reads until the text is shown, or the end where there is none."""
        while text is None or text not in self.shown:
            if not select.select([self.master], [], [], seconds)[0]:
                raise AssertionError(f"{text!r} did not come; shown: {self.shown!r}")
            try:
                read = os.read(self.master, 65536)
            except OSError:  # the other side is gone
                read = b""
            if not read:
                break
            self.shown += self.decoder.decode(read)  # a read may end in the middle of a letter
        return self.shown

    def type(self, keys):
        os.write(self.master, keys.encode())

    def interrupt(self):
        """Ctrl-C until it is heard.

        One that comes just before a read begins is noticed after that read only.
        """
        for _ in range(20):
            self.type("\x03")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(3)
                return

    def end(self):
        """Its exit code, once it has ended."""
        try:
            self.until(None)
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.master)


def test_a_terminal_gets_colour_and_a_pipe_gets_none(work):
    terminal = Terminal(work, "plan", columns=120)  # as many as a pipe gets
    assert terminal.end() == 0
    assert "\x1b[1mWhat matters most\x1b[0m" in terminal.shown
    assert "\x1b[33m± Brightwater Logistics Ltd" in terminal.shown
    assert "\r\x1b[2Kreading Work 365" in terminal.shown
    piped = run(work, "plan")
    assert b"\x1b" not in piped.stdout
    assert piped.stderr == b""
    plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", terminal.shown).replace("\r\n", "\n")
    assert plain.endswith(piped.stdout.decode())


def test_no_color_is_obeyed(work):
    terminal = Terminal(work, "validate", NO_COLOR="1")
    assert terminal.end() == 0
    assert "\x1b" not in terminal.shown


def test_apply_asks_and_no_means_no(work):
    terminal = Terminal(work, "apply")
    terminal.until("Do this? [y/N]: ")
    terminal.type("n\n")
    assert terminal.end() == 1
    assert terminal.shown.endswith("Nothing was written.\r\n")
    assert not (work / ".trueup" / "state.sqlite").exists()


def test_apply_asks_and_yes_means_yes_with_a_bar(work):
    terminal = Terminal(work, "apply")
    terminal.until("Do this? [y/N]: ")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert " applied" in terminal.shown
    assert "█" in terminal.shown


def test_a_plan_over_a_limit_is_not_confirmed(work):
    project = work / "trueup.yaml"
    project.write_text(re.sub(r"(?m)^( *)calls: .*$", r"\1calls: 1", project.read_text()))
    terminal = Terminal(work, "apply")
    assert terminal.end() == 1
    assert "Do this?" not in terminal.shown
    assert "→ look at it, then `trueup apply … --over calls`" in terminal.shown


def test_ctrl_c_at_the_question_ends_with_130(work):
    terminal = Terminal(work, "apply")
    terminal.until("Do this? [y/N]: ")
    terminal.interrupt()
    assert terminal.end() == 130
    assert not (work / ".trueup" / "state.sqlite").exists()


def test_ctrl_c_while_applying_stops_cleanly_and_the_rest_is_resumed(work, saved, trueup):
    with Sandbox(work / ".trueup" / "autotask.sqlite", ENTITIES) as autotask:
        autotask.faults.set(
            {"kind": "latency", "seconds": 0.5, "times": 0, "path": "ContractServiceAdjustments$"}
        )
    terminal = Terminal(work, "apply", saved.name)
    terminal.until("█")
    terminal.type("\x03")
    code = terminal.end()
    assert "stopping: no new writes" in terminal.shown
    assert code == 130
    with Sandbox(work / ".trueup" / "autotask.sqlite", ENTITIES) as autotask:
        autotask.faults.clear()
    code, _, error = trueup("apply", "--resume")
    assert (code, error) == (0, "")


def test_a_reader_that_goes_away_changes_nothing(work):
    reading, writing = os.pipe()
    os.close(reading)
    done = run(work, "plan", "--detailed-exitcode", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (2, b"")


@pytest.mark.parametrize(
    ("what", "said_of_it"),
    [
        (
            (),
            r"Autotask \((log in as api@demo.example, with .+|username .+)\)",
        ),
        (("--source",), r"Dataverse \(tenant .+\)"),
    ],
)
def test_a_sandbox_serves_until_it_is_stopped(work, what, said_of_it):
    command = [*COMMAND, "sandbox", "serve", "--port", "0", *what]
    with subprocess.Popen(
        command, cwd=work, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as served:
        output = served.stdout.readline()
        url = output.rpartition(" at ")[2].partition(",")[0]
        routes = httpx.get(f"{url}/sandbox", trust_env=False).json()["routes"]
        served.send_signal(signal.SIGINT)
        assert served.wait(60) == 0
    assert {"POST /sandbox/faults", "POST /sandbox/restore"} <= {*routes}
    assert re.fullmatch(rf"(?:{said_of_it}) at http://127\.0\.0\.1:\d+, until Ctrl-C\.\n", output)


def test_the_second_signal_leaves_at_once(monkeypatch):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
    left_with = []
    monkeypatch.setattr(os, "_exit", left_with.append)
    stop = threading.Event()
    with stopping.stopping(stop):
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
        assert left_with == []
        signal.raise_signal(signal.SIGINT)
    assert left_with == [130]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_the_bar_shows_progress_and_remaining_time():
    clock = iter([0.0, 10.0, 100.0, 110.0])
    meter = Meter(lambda: next(clock))
    assert meter.line(Progress(0, 200, "first")) == "░░░░░░░░░░░░░░░░░░░░ 0/200  first"
    assert (
        meter.line(Progress(50, 200, "Alpine")) == "█████░░░░░░░░░░░░░░░ 50/200  30 s left  Alpine"
    )
    assert (
        meter.line(Progress(100, 200, "x" * 90))
        == "██████████░░░░░░░░░░ 100/200  2 min left  " + "x" * 35 + "…"
    )
    assert meter.line(Progress(200, 200)) == "████████████████████ 200/200  0 s left"
    assert time_left(7200) == "2.0 h left"


def test_the_time_that_is_left_is_worked_out_again_for_a_run_that_follows_a_plan():
    clock = iter([0.0, 10.0, 100.0, 110.0])
    meter = Meter(lambda: next(clock))
    meter.line(Progress(10_000, 40_000, "Contracts"))
    assert " 20 s left " in meter.line(Progress(20_000, 40_000, "Contracts"))

    assert "left" not in meter.line(Progress(1, 5, "Alpine"))
    assert " 30 s left " in meter.line(Progress(2, 5, "Alpine"))


@pytest.mark.parametrize(
    ("verbose", "as_json", "output"),
    [(True, False, "reading\n2/7 Alpine\n"), (False, False, ""), (True, True, "")],
)
def test_a_pipe_gets_steps_only_when_it_asks_for_them(capsys, verbose, as_json, output):
    here = CommandContext(Path(), as_json, verbose, PLAIN)
    with listening(here) as listener:
        listener.step("reading")
        listener.progress(Progress(2, 7, "Alpine"))
    assert capsys.readouterr().err == output


def test_the_name_of_who_applies_is_known_even_without_a_user_name(monkeypatch):
    monkeypatch.setenv("TRUEUP_WHO", "pipeline 12")
    assert current_user() == "pipeline 12"
    monkeypatch.setenv("TRUEUP_WHO", " pipeline\n12 ")
    assert current_user() == "pipeline 12"
    monkeypatch.setenv("TRUEUP_WHO", " ")
    assert current_user() == getpass.getuser()
    monkeypatch.delenv("TRUEUP_WHO")

    def without_key():
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", without_key)
    assert re.fullmatch(r"user \d+", current_user())


@pytest.mark.parametrize("width", [40, 12, 5])
def test_a_line_of_progress_takes_the_width_that_there_is(width):
    line = Meter(lambda: 0.0).line(Progress(50, 200, "Alpine Dental Ltd, 北京公司"), width)

    assert sanitize.width(line) <= width


def test_a_moving_line_fits_the_terminal(work, saved):
    terminal = Terminal(work, "apply", saved.name, columns=40)
    assert terminal.end() == 0
    frames = [
        re.sub(r"\x1b\[[0-9;]*m", "", frame).split("\r\n")[0]
        for frame in terminal.shown.split("\r\x1b[2K")
    ]
    bars = [frame for frame in frames if re.search(r"[█░]+ \d", frame)]
    assert max(map(len, bars)) == 39


def test_a_dumb_terminal_gets_plain_lines(work):
    terminal = Terminal(work, "apply", "--yes", TERM="dumb")
    assert terminal.end() == 0
    assert not re.search(r"[\x1b\b]|\r(?!\n)", terminal.shown)
    counts = re.findall(r"(?m)^([\d,]+)/[\d,]+\r$", terminal.shown)
    assert 2 <= len(counts) <= 11
