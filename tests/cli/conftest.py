"""The shipped project, in a folder of its own, and a way to run commands there."""

import shutil

import pytest

from engine.cli.main import run


@pytest.fixture(scope="session")
def _made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "work"
    assert run(["init", str(folder)]) == 0
    return folder


@pytest.fixture
def work(_made, tmp_path, monkeypatch):
    """A project as `trueup init` makes it; the current folder."""
    folder = tmp_path / "work"
    shutil.copytree(_made, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def trueup(work, capfd):
    """Runs a command line in a project of its own; exit code, stdout and stderr out."""
    assert work.is_dir()

    def command(*arguments):
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return command
