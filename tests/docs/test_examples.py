"""Commands and YAML in the documentation: they parse, they are valid, and tutorials run."""

import os
import shlex
import subprocess
import sys

import pytest
from click import UsageError
from trueup.cli.main import run
from trueup.config.documents import read
from trueup.operations.project import load_project
from trueup.source.profile import parse_profile

from tests.docs.commands import command_lines, parse, require_options
from tests.docs.pages import PAGES, page
from tests.docs.project import (
    OTHERS,
    copy_of_demo,
    errors,
    examples,
    file_of,
    fill_sandbox,
    is_written,
    load,
    set_environment,
    write_example,
)
from tests.support.paths import ROOT

WITH_YAML = [page for page in PAGES if any(one.language == "yaml" for one in page.blocks)]
WITH_TESTS = [
    page
    for page in WITH_YAML
    if page.path.parent.name == "how-to"
    and any(
        one.language == "yaml" and file_of(one).startswith(("rules/", "tests/"))
        for one in page.blocks
    )
]
WITH_PYTHON = [page("reference/python.md")]
WITH_CONSOLE = [page for page in PAGES if any(one.language == "console" for one in page.blocks)]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """What a test sets in the environment is gone after it."""
    with monkeypatch.context() as patch:
        for name in [*os.environ]:
            patch.setenv(name, os.environ[name])
        before = dict(os.environ)
        yield
        for name in os.environ.keys() - before.keys():
            del os.environ[name]


def shell_texts(page):
    for block in page.blocks:
        if block.language == "sh":
            yield block.text
        if block.language == "console":
            yield "\n".join(one for one in block.text.splitlines() if one.startswith("$ "))
        if block.language == "yaml" and file_of(block).startswith(OTHERS):
            yield from _scripts(load(block.text))


def _scripts(node):
    """Shell lines of a pipeline: under `run` and `script`."""
    if isinstance(node, list):
        for item in node:
            yield from _scripts(item)
    if isinstance(node, dict):
        for key, value in node.items():
            lines = [value] if isinstance(value, str) else value
            yield from lines if key in ("run", "script") else _scripts(value)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_line_in_a_block_parses(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "before.sqlite").touch()  # a snapshot that an example restores
    wrong = []
    for words in (words for text in shell_texts(page) for words in command_lines(text)):
        try:
            parse(words)
        except (UsageError, AssertionError) as error:
            wrong.append(f"trueup {shlex.join(words)}: {error}")

    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_and_option_in_the_text_exists(page):
    wrong = []
    for code in page.codes:
        if code.startswith("trueup "):
            words = [word for word in code.split()[1:] if word not in ("…", "COMMAND")]
            try:
                require_options(words)
            except AssertionError as error:
                wrong.append(f"{code}: {error}")

    assert wrong == []


@pytest.mark.parametrize("page", WITH_YAML, ids=str)
def test_every_yaml_block_is_valid_in_the_shipped_project(page, tmp_path):
    folder = copy_of_demo(tmp_path)
    for block in examples(page):
        if block.language != "yaml" or file_of(block).startswith(OTHERS):
            continue
        set_environment(block.text)
        write_example(folder, block)

        assert (file_of(block), errors(folder)) == (file_of(block), [])
        if file_of(block) == "profile.yaml":
            document = read(folder / "profile.yaml", "profile.yaml")[0][0]
            tables = load_project(folder).catalogue.tables
            assert parse_profile(document.data, tables, document).columns


@pytest.mark.parametrize("page", WITH_TESTS, ids=str)
def test_all_tests_pass_in_a_project_that_follows_the_whole_page(
    page, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(copy_of_demo(tmp_path))
    for block in filter(is_written, examples(page)):
        write_example(tmp_path, block)

    assert run(["validate"]) == 0, capsys.readouterr().out
    assert run(["test", "--jobs", "1", "--timeout", "0"]) == 0, capsys.readouterr().out


def test_a_failed_test_is_shown_as_it_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(copy_of_demo(tmp_path))
    blocks = page("how-to/test-a-mapping.md").blocks
    written = next(block for block in blocks if block.text.startswith("# tests/seats.yaml"))
    shown = next(block for block in blocks if block.text.startswith("failed "))
    text = written.text.replace("10 → 13", "10 → 14")
    (tmp_path / "tests/seats.yaml").write_text(text, encoding="utf-8")

    assert run(["test", "tests/seats.yaml"]) == 1
    assert capsys.readouterr().out.startswith(shown.text)


@pytest.mark.parametrize("page", WITH_CONSOLE, ids=str)
def test_every_console_block_runs_and_prints_what_it_shows(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if "trueup init" not in page.text:
        fill_sandbox(copy_of_demo(tmp_path))
    for block in examples(page):
        if is_written(block):
            set_environment(block.text)
            write_example(tmp_path.cwd(), block)
        if block.language == "console":
            for command, shown in sessions(block.text):
                printed = run_line(command, monkeypatch, capsys)
                assert [line for line in shown if line not in printed] == []


def sessions(text):
    """Each command of a console block, with the lines that it shows below it."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        elif line != "…":
            found[-1][1].append(line)
    return found


def run_line(line, monkeypatch, capsys):
    """Runs a line in this process; returns the lines that it prints."""
    words = shlex.split(line)
    if words[0] == "cd":
        monkeypatch.chdir(words[1])
        return []
    code = run(words[1:])
    printed = capsys.readouterr()
    assert (line, code) == (line, 0), printed.out[-2000:] + printed.err
    return printed.out.splitlines()


@pytest.mark.parametrize("page", WITH_PYTHON, ids=str)
def test_every_python_block_runs(page, tmp_path):
    fill_sandbox(copy_of_demo(tmp_path))
    for block in page.blocks:
        if block.language == "python":
            command = [sys.executable, "-c", block.text]
            done = subprocess.run(
                command, cwd=tmp_path, capture_output=True, text=True, check=False
            )

            assert (done.returncode, done.stderr) == (0, "")


def test_the_readme_fits_on_a_few_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_target_of_make_that_is_named_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {code.split()[1] for code in page.codes if code.startswith("make ")}
    named |= {
        line.split()[1]
        for block in page.blocks
        if block.language in ("", "sh")
        for line in block.text.splitlines()
        if line.startswith("make ")
    }

    missing = {name for name in named if f"\n{name}:" not in makefile}

    assert missing == set()
