"""Output that cannot be written, files that are no regular files, and text in any locale."""

import csv
import io
import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from trueup.cli.output_files import write_whole
from trueup.cli.plan_files import read_text
from trueup.errors import EngineError

from tests.support.forked import CLOSED, Forked, fork, run
from tests.support.paths import ROOT

COMMAND = [sys.executable, "-m", "trueup"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
Command = Callable[..., tuple[int, str, str]]
"""Runs a command line in this process: exit code, standard output and standard error."""

FULL = "/dev/full"  # writing to it fails as on a full disk
NO_SPACE = "the output cannot be written: No space left on device"

needs_full = pytest.mark.skipif(not Path(FULL).exists(), reason="this system has no /dev/full")


def shell(work: Path, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a command line of `sh`, in which `trueup` is the command."""
    return subprocess.run(
        ["sh", "-c", line.replace("trueup", shlex.join(COMMAND), 1)],
        cwd=work,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("line", "closed", "code"),
    [
        ("validate", ["stdout"], 0),
        ("validate", ["stdin", "stdout", "stderr"], 0),
        ("plan --out p.json", ["stdout", "stderr"], 0),
        ("apply", ["stdin"], 64),
        ("nothing", ["stderr"], 64),
    ],
)
def test_a_closed_stream_is_no_fault(work: Path, line: str, closed: list[str], code: int):
    done = run(work, *line.split(), **dict.fromkeys(closed, CLOSED))

    assert done.returncode == code
    assert b"Traceback" not in done.stdout + done.stderr


def test_a_file_does_not_get_the_number_of_a_closed_stream(work: Path):
    done = shell(work, "trueup plan --json --out p.json <&- >&- 2>&-")

    assert done.returncode == 0
    assert json.loads((work / "p.json").read_text(encoding="utf-8"))["digest"]


@needs_full
@pytest.mark.parametrize("arguments", ["plan --json", "validate", "--help"])
def test_a_command_whose_output_is_lost_fails_in_a_sentence(work: Path, arguments: str):
    done = run(work, *arguments.split(), stdout=FULL)

    assert (done.returncode, done.stderr.decode()) == (1, f"error: {NO_SPACE}\n")


@needs_full
def test_apply_records_all_it_does_when_no_output_can_be_written(work: Path, trueup: Command):
    done = run(work, "apply", "--yes", "-v", stdout=FULL, stderr=FULL)

    assert done.returncode == 0
    assert "done" in trueup("history")[1]
    assert trueup("plan", "--detailed-exitcode")[0] == 0


@needs_full
def test_a_saved_plan_is_saved_although_its_text_is_lost(work: Path, trueup: Command):
    done = run(work, "plan", "--out", "p.json", stdout=FULL)

    assert done.returncode == 0
    assert done.stderr.decode().startswith(f"warning: {NO_SPACE}")
    assert trueup("show", "p.json")[0] == 0


def test_pipes_are_utf_8_whatever_the_locale(saved: Path):
    locales = {"PYTHONIOENCODING": "cp1252", "LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}
    lines = "trueup show plan.json --json", "trueup show plan.json --format csv"
    document, table = (
        shell(saved.parent, line, **locale).stdout
        for line, locale in zip(lines, locales, strict=True)
    )

    assert document == saved.read_bytes()
    assert not document.isascii()
    rows = list(csv.reader(io.StringIO(table.decode("utf-8"), newline="")))
    assert len({len(row) for row in rows if row}) <= 2
    assert any(not text.isascii() for row in rows for text in row)


def test_a_regular_file_is_replaced_for_its_owner_only(tmp_path: Path):
    file = tmp_path / "plan.json"
    file.write_text("old", encoding="utf-8")

    write_whole(file, "new")

    assert file.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize("old", ["old", None])
def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path: Path, old: str | None):
    folder = tmp_path / "plans"
    folder.mkdir()
    if old:
        (folder / "today.json").write_text(old, encoding="utf-8")
    link = tmp_path / "link.json"
    link.symlink_to("plans/today.json")

    write_whole(link, "new")

    assert link.is_symlink()
    assert (folder / "today.json").read_text(encoding="utf-8") == "new"


def test_a_link_to_itself_is_an_error(tmp_path: Path):
    link = tmp_path / "link.json"
    link.symlink_to("link.json")

    with pytest.raises(OSError, match="symbolic links") as failed:
        write_whole(link, "new")

    assert failed.value.filename == str(link)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A pipe with a reader, and what arrived; the reader has ended when the list is filled."""
    path, arrived = tmp_path / "pipe", list[str]()
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: arrived.append(path.read_text(encoding="utf-8")))
    reader.start()
    yield path, arrived
    reader.join(60)


def test_the_reader_of_a_pipe_gets_the_text(pipe: tuple[Path, list[str]]):
    path, arrived = pipe
    text = "x" * 300_000  # more than a pipe holds

    write_whole(path, text)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.name.startswith("Thread-"):
            thread.join(60)

    assert arrived == [text]
    assert path.is_fifo()


def test_a_device_is_written_to_and_stays(tmp_path: Path):
    master, slave = os.openpty()
    device = Path(os.ttyname(slave))

    write_whole(device, "the plan\n")

    assert os.read(master, 100) == b"the plan\r\n"
    assert device.is_char_device()
    for descriptor in (master, slave):
        os.close(descriptor)


def test_what_keeps_no_plan_is_not_advised_to_be_applied(work: Path, trueup):
    code, out, _ = trueup("plan", "--out", os.devnull)

    assert (code, "trueup apply" in out) == (0, False)
    assert out.rstrip().endswith(
        f"Written to {os.devnull}, which keeps no plan: to apply one, save it to a file."
    )


@needs_full
def test_a_full_disk_is_named_with_the_file(work: Path):
    done = run(work, "plan", "--out", FULL)

    assert (done.returncode, done.stderr) == (1, b"error: /dev/full: No space left on device\n")
    assert Path(FULL).is_char_device()


def test_the_plan_can_be_written_to_standard_output(work: Path):
    done = run(work, "plan", "--out", "/dev/stdout", stdout=str(work / "both.txt"))

    text = (work / "both.txt").read_text(encoding="utf-8")
    assert done.returncode == 0
    document, end = json.JSONDecoder().raw_decode(text)
    assert document["digest"]
    assert "Written to /dev/stdout, which keeps no plan" in text[end:]


def test_printed_advice_can_be_pasted(work: Path):
    name = "it's my $plan.json"
    saved = run(work.parent, "plan", "--project", "work", "--out", name).stdout.decode()

    advice = re.search(r"Run `(trueup apply .+)` to do exactly this", saved)
    assert advice
    assert shlex.split(advice[1]) == ["trueup", "apply", name, "--project", "work"]


def test_the_advice_of_init_can_be_pasted(tmp_path: Path):
    shown = run(tmp_path, "init", "my work").stdout.decode()

    assert "\n  cd 'my work'\n" in shown


def test_a_plan_with_a_byte_order_mark_is_read_and_utf_16_is_named(tmp_path: Path):
    file = tmp_path / "plan.json"
    file.write_text("{}", encoding="utf-8-sig")
    assert read_text(file) == "{}"

    file.write_text("{}", encoding="utf-16")
    with pytest.raises(EngineError, match="UTF-16, as PowerShell's"):
        read_text(file)


@contextmanager
def started(work: Path, *ignored: int) -> Iterator[tuple[Forked, IO[bytes]]]:
    """A run that has sent its first change, and what it writes to standard error."""
    reading, writing = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    arguments = ["apply", "--yes", "-v"]
    process = fork(work, arguments, (null, null, writing), ignored=ignored, others=(reading,))
    for descriptor in (writing, null):
        os.close(descriptor)
    with os.fdopen(reading, "rb") as errors:
        for line in errors:
            if re.match(rb"\d+/\d+ ", line):
                break
        yield process, errors
        process.wait()


def test_a_closed_terminal_drains_a_run_as_ctrl_c_does(whole: Path, trueup: Command):
    with started(whole) as (process, errors):
        process.send_signal(signal.SIGHUP)
        rest = errors.read()

    assert process.returncode == 130
    assert b"stopping: no new writes" in rest
    assert trueup("apply", "--resume")[0] == 0


def test_a_run_under_nohup_goes_on(work: Path):
    with started(work, signal.SIGHUP) as (process, errors):
        process.send_signal(signal.SIGHUP)
        errors.read()

    assert process.returncode == 0
