"""A named pipe in the place of a file is refused: nobody may ever write into it."""

import os

import pytest


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


def test_a_pipe_that_the_shell_gives_is_read(trueup, work):
    plan = work / "plan.json"
    assert trueup("plan", "--out", plan)[0] == 0
    shown = trueup("show", plan)
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        with os.fdopen(writing, "wb") as given:
            given.write(plan.read_bytes())
        os._exit(0)
    os.close(writing)
    try:
        assert trueup("show", f"/dev/fd/{reading}") == shown
    finally:
        os.close(reading)
        os.wait()
