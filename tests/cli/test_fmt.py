"""`trueup fmt`: files get one layout, or stay as they are with the reason."""

import json
import os
import shutil

import pytest
import yaml
from trueup.config.layout import formatted
from trueup.operations import fmt as operation

from tests.support.paths import ROOT

MESSY = "rules:\n- rule:   a   # why\n"
TIDY = "rules:\n  - rule: a   # why\n"


@pytest.fixture
def work(work):
    """A project with few files: to format all that ship takes as long as four plans."""
    shutil.rmtree(work / "tests")
    for file in (*work.glob("mappings/*"), *work.glob("rules/*")):
        if file.name != "customer.yaml":
            file.unlink()
    return work


@pytest.fixture
def messy(work):
    file = work / "rules/messy.yaml"
    file.write_text(MESSY)
    return file


@pytest.fixture
def shipped(_made):
    return _made


def test_the_shipped_project_is_formatted(shipped, trueup):
    code, out, err = trueup("fmt", "--check", "--project", shipped)

    assert (code, err) == (0, "")
    assert out.endswith(" files, all formatted.\n")
    assert int(out.split()[0]) > len([*shipped.glob("mappings/*"), *shipped.glob("rules/*")])


def test_a_file_is_formatted_once(messy, trueup):
    code, out, err = trueup("fmt", "--check", "-v")
    assert (code, err) == (1, "")
    assert out.startswith("would format rules/messy.yaml\n")
    assert "  -- rule:   a   # why\n  +  - rule: a   # why\n" in out
    assert messy.read_text() == MESSY

    code, out, err = trueup("fmt")
    assert (code, err) == (0, "")
    assert out.startswith("formatted rules/messy.yaml\n1 of ")
    assert messy.read_text() == TIDY

    assert trueup("fmt", "--check")[0] == 0


def test_files_may_be_named(work, messy, trueup):
    (work / "elsewhere").mkdir()
    other = work / "elsewhere" / "b.yaml"
    other.write_text("a:   1\n")

    code, out, _ = trueup("fmt", "elsewhere/b.yaml", "--json")

    assert (code, json.loads(out)["changed"]) == (0, ["elsewhere/b.yaml"])
    assert other.read_text() == "a: 1\n"
    assert messy.read_text() == MESSY


def test_tests_are_formatted_too(work, trueup):
    file = work / "tests" / "deep" / "a.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("test:   a\n")

    assert trueup("fmt")[0] == 0

    assert file.read_text() == "test: a\n"


def test_a_file_with_errors_stays_and_the_others_are_formatted(work, messy, trueup):
    broken = work / "mappings/broken.yaml"
    broken.write_text("a: [\n")

    code, out, err = trueup("fmt")

    assert code == 1
    assert out.startswith("formatted rules/messy.yaml\n")
    assert err.startswith("mappings/broken.yaml:")
    assert broken.read_text() == "a: [\n"
    code, out, _ = trueup("fmt", "--json")
    assert (code, json.loads(out)["findings"][0]["code"]) == (1, "yaml")


@pytest.mark.parametrize(
    ("name", "message"),
    [("rules/none.yaml", "rules/none.yaml: error: cannot be read: "), ("rules", "rules: error: ")],
)
def test_what_is_no_file_is_named(work, trueup, name, message):
    assert work.is_dir()
    code, _, err = trueup("fmt", name)

    assert code == 1
    assert err.startswith(message)


def test_a_pipe_is_not_waited_for(work, trueup):
    os.mkfifo(work / "rules" / "pipe.yaml")

    code, _, err = trueup("fmt", "rules/pipe.yaml")

    assert code == 1
    assert "is not a regular file" in err


def test_a_link_stays_and_its_file_is_formatted(work, messy, trueup):
    link = work / "mappings" / "link.yaml"
    link.symlink_to("../rules/messy.yaml")
    loop = work / "mappings" / "loop.yaml"
    loop.symlink_to("loop.yaml")

    code, _, err = trueup("fmt", link)
    assert (code, err) == (0, "")
    assert link.is_symlink()
    assert messy.read_text() == TIDY
    code, _, err = trueup("fmt", loop)
    assert code == 1
    assert "cannot be read: " in err


def test_the_mode_of_a_file_stays(messy, trueup):
    messy.chmod(0o640)

    assert trueup("fmt")[0] == 0

    assert messy.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_read_only_stays(messy, trueup, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)

    code, _, err = trueup("fmt")

    assert code == 1
    assert "rules/messy.yaml: error: cannot be written: it is read-only; it is unchanged" in err
    assert messy.read_text() == MESSY


@pytest.mark.parametrize("what", ["changed", "renamed", "removed"])
def test_what_another_program_does_meanwhile_is_not_lost(messy, trueup, monkeypatch, what):
    original = formatted

    def meanwhile(content, name):
        new = original(content, name)
        if name == "rules/messy.yaml":
            if what == "changed":
                messy.write_text("rules: []\n")
            elif what == "renamed":
                messy.rename(messy.with_name("renamed.txt"))
            else:
                messy.unlink()
        return new

    monkeypatch.setattr(operation, "formatted", meanwhile)
    code, _, err = trueup("fmt")

    assert code == 1
    assert err.startswith("rules/messy.yaml: error: ")
    if what == "changed":
        assert messy.read_text() == "rules: []\n"
    else:
        assert not messy.exists()
    if what == "renamed":
        assert messy.with_name("renamed.txt").read_text() == MESSY
    assert not [*messy.parent.glob(".*.new")]


def test_a_folder_without_a_project_is_refused(tmp_path, trueup):
    code, _, err = trueup("fmt", "--project", tmp_path)

    assert code == 1
    assert err.startswith(f"error: there is no trueup.yaml in {tmp_path}")


def test_the_hooks_call_commands_that_exist(shipped, tmp_path, trueup, monkeypatch):
    folder = tmp_path / "copy"
    shutil.copytree(shipped, folder)
    for file in (folder / "tests").iterdir():
        if file.name not in ("customer.yaml", "defaults.yaml"):
            file.unlink()
    tests = folder / "tests" / "customer.yaml"
    first, *_ = tests.read_text(encoding="utf-8").partition("---\n")
    tests.write_text(first, encoding="utf-8")
    monkeypatch.chdir(folder)
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    assert {hook["id"] for hook in hooks} == {"trueup-validate", "trueup-fmt", "trueup-test"}
    for hook in hooks:
        program, *arguments = hook["entry"].split()
        assert program == "trueup"
        assert trueup(*arguments)[0] == 0
