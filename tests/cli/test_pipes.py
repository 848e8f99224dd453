"""Pipes as streams, and in the place of files: a named one is refused, as none may ever write."""

import os

import pytest

from tests.support.forked import run


@pytest.fixture
def pipe(work):
    path = work / "pipe"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("apply", "pipe", "--yes"),
        ("show", "pipe"),
        ("state", "import", "pipe"),
        ("sandbox", "seed", "pipe"),
        ("sandbox", "reset", "--seed", "pipe"),
        ("sandbox", "restore", "pipe"),
    ],
)
def test_a_pipe_is_no_file(trueup, pipe, command):
    code, _, error = trueup(*command)

    assert code == 1
    assert error.startswith("error: ")
    assert "pipe" in error


def test_a_pipe_in_the_place_of_an_export_is_no_file(trueup, work):
    export = work / "examples" / "work365" / "account.json"
    export.unlink()
    os.mkfifo(export)

    code, out, error = trueup("plan")

    assert code == 1
    assert "account.json is no regular file, and a file was expected" in out + error


def test_a_pipe_that_the_shell_gives_is_read(trueup, saved):
    shown = trueup("show", saved)
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        with os.fdopen(writing, "wb") as given:
            given.write(saved.read_bytes())
        os._exit(0)
    os.close(writing)
    try:
        assert trueup("show", f"/dev/fd/{reading}") == shown
    finally:
        os.close(reading)
        os.wait()


def test_lines_of_a_pipe_are_answered_in_their_order_and_a_failed_one_gives_exit_code_1(work):
    lines = ["source.number", "source.nme", "1 / 0", "1 + 1"]

    code, shown = evaluated(work, *lines)

    answers = ['"A-1007"   (text)', "has no column 'nme'", "divided by zero", "2   (a number)"]
    at = [shown.index(one) for one in answers]
    assert at == sorted(at)
    assert "error: line 2: " in shown
    assert "error: line 3: " in shown
    assert code == 1
    assert evaluated(work, lines[0], lines[3])[0] == 0


def evaluated(work, *lines):
    """The exit code of `trueup eval` with these lines in a pipe, and what it wrote, in order."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as asked:  # so few that the pipe holds them
        asked.writelines(f"{line}\n" for line in lines)
    with (work / "shown").open("w+b") as shown:
        both = shown.fileno()
        done = run(
            work, "eval", "customer", "Alpine Dental AG", stdin=reading, stdout=both, stderr=both
        )
        os.close(reading)
        shown.seek(0)
        return done.returncode, shown.read().decode()
