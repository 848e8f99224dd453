"""Files that were found sound are not checked again, until anything that decides it differs."""

import json
import shutil
import tracemalloc

import pytest
from trueup.config import loader, sound_files
from trueup.config.checks import whole_project
from trueup.config.project_files import read_files
from trueup.model.overlay import Overlay, Overrides
from trueup.operations.project_folder import TESTS
from trueup.operations.testing import files as test_files

from tests.config.conftest import SHIPPED
from tests.support.messages import messages_of
from tests.support.paths import ROOT

WRONG = "companyName: '{{ source.nam }}'"
FOUND = ["mappings/customer.yaml:16:16: table account has no column 'nam' (did you mean 'name'?)"]


@pytest.fixture
def checks(monkeypatch):
    """One entry for each time that a project was checked in full."""
    made, check = [], whole_project.check_specs

    def counting(*arguments):
        made.append(arguments)
        return check(*arguments)

    monkeypatch.setattr(whole_project, "check_specs", counting)
    return made


def test_a_sound_project_is_checked_once_and_loaded_as_before(project, checks):
    first, second = project.check(), project.check()

    assert len(checks) == 1
    assert first == second
    assert first[1] == []


def test_an_error_in_an_edited_file_is_found(project, checks):
    project.load()
    project.edit("mappings/customer.yaml", "companyName: ", f"{WRONG}\n  # ")

    edited = project.messages()

    assert len(checks) == 2
    assert edited == FOUND
    (project.root / sound_files.FILE).unlink()
    assert project.messages() == edited


def comment(path):
    with path.open("a", encoding="utf-8") as file:
        file.write("# edited\n")


def edit(file):
    return lambda project, _: comment(project.root / file)


def add(file):
    return lambda project, _: project.write(file, "")


def shipped_with_a_comment(project, tmp_path):
    project.shipped = shutil.copytree(SHIPPED, tmp_path / "schemas")
    comment(project.shipped / "work365.yaml")


CHANGES = {
    "trueup.yaml": edit("trueup.yaml"),
    "a mapping": edit("mappings/customer.yaml"),
    "the rules": edit("rules/all.yaml"),
    "the decisions": edit("mappings/decisions.yaml"),
    "new notes": add("mappings/notes.yaml"),
    "a new file": add("rules/more.yaml"),
    "a name that is not read": add("rules/more.yml"),
    "a file that is gone": lambda project, _: (project.root / "mappings/decisions.yaml").unlink(),
    "another name": lambda project, _: (project.root / "rules/all.yaml").rename(
        project.root / "rules/others.yaml"
    ),
    "a catalogue of the project": lambda project, _: project.write(
        "schemas/work365.yaml", "tables: {}\n"
    ),
    "what ships with trueup": shipped_with_a_comment,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_files_are_checked_again_after_a_change(project, checks, tmp_path, change):
    project.load()

    change(project, tmp_path)
    project.check()

    assert len(checks) == 2


OTHERS = {
    "version": ("VERSION", "0.0.0"),
    "format": ("FORMAT", 4),
    "modules or libraries": ("_code", lambda: b"others"),
}


@pytest.mark.parametrize(("name", "other"), OTHERS.values(), ids=OTHERS)
def test_another_trueup_checks_again(project, checks, monkeypatch, name, other):
    project.load()

    monkeypatch.setattr(sound_files, name, other)
    project.load()

    assert len(checks) == 2


def test_modules_that_check_are_told_by_their_size_and_time(tmp_path, monkeypatch):
    module = tmp_path / "config" / "checks.py"
    module.parent.mkdir()
    module.write_text("one = 1\n", encoding="utf-8")
    monkeypatch.setattr(sound_files, "__file__", str(module))
    before = sound_files._code.__wrapped__()

    module.write_text("one = 1\ntwo = 2\n", encoding="utf-8")

    assert sound_files._code.__wrapped__() != before


COUNTS = b'{"mappings": 1, "rules": 1, "approvals": 0}'
DAMAGED = (
    b"",
    b"[]",
    b"{",
    b'{"format": 3}',
    b'{"format": 3, "sound": []}',
    b'{"format": 2, "sound": {"DIGEST": COUNTS}}',
    b'{"format": 3, "sound": {"DIGEST": 0}}',
    b'{"format": 3, "sound": {"DIGEST": [1, 1, 0]}}',
    b'{"format": 3, "sound": {"DIGEST": {}}}',
    b'{"format": 3, "sound": {"DIGEST": {"mappings": 1, "rules": 1}}}',
    b'{"format": 3, "sound": {"DIGEST": {"mappings": "1", "rules": 1, "approvals": 0}}}',
    b'{"format": 3, "sound": {"DIGEST": {"mappings": 1, "rules": true, "approvals": 0}}}',
    b'{"format": 3, "sound": {"another": COUNTS}}',
    b'{"format": 3, "sound": {"DIGEST": COUNTS}}' + b" " * 20_000,
    b"[" * 100_000,
    b"\xff\xfe",
)


def test_the_content_that_others_damage_spares_a_check(project, checks):
    project.load()
    kept = project.root / sound_files.FILE
    (digest,) = json.loads(kept.read_bytes())["sound"]
    kept.write_bytes(b'{"format": 3, "sound": {"%s": %s}}' % (digest.encode(), COUNTS))

    project.load()

    assert len(checks) == 1


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_counts_as_absent_and_is_replaced(project, checks, content):
    project.load()
    kept = project.root / sound_files.FILE
    before = kept.read_bytes()
    (digest,) = json.loads(before)["sound"]
    kept.write_bytes(content.replace(b"COUNTS", COUNTS).replace(b"DIGEST", digest.encode()))

    project.load()

    assert len(checks) == 2
    assert digest in json.loads(kept.read_bytes())["sound"]


def test_a_file_that_is_larger_than_the_memory_is_digested_in_pieces(tmp_path):
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(16_000_000)
    list(sound_files.contents_of_folder(tmp_path))  # what is imported once

    tracemalloc.start()
    try:
        before = list(sound_files.contents_of_folder(tmp_path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000
    with (tmp_path / "large.yaml").open("r+b") as file:
        file.seek(15_000_000)
        file.write(b"x")
    assert list(sound_files.contents_of_folder(tmp_path)) != before


def test_a_folder_that_cannot_be_written_costs_a_check_each_time(project, checks):
    (project.root / ".trueup").write_text("no folder", encoding="utf-8")

    assert project.check() == project.check()

    assert len(checks) == 2


def test_a_project_with_a_warning_is_checked_each_time(project, checks):
    project.write("rules/more.yml", "")

    assert project.check() == project.check()

    assert len(checks) == 2
    assert not (project.root / sound_files.FILE).exists()


def test_what_depends_on_the_environment_is_checked_each_time(project, checks):
    project.load()
    project.env.clear()

    known = project.messages()

    assert len(checks) == 1
    assert "AUTOTASK_SECRET is not set" in known[0]
    (project.root / sound_files.FILE).unlink()
    assert project.messages() == known


def test_files_that_change_while_they_are_read_are_checked(project, checks, monkeypatch):
    project.load()
    read = read_files

    def changed_meanwhile(*arguments):
        project.edit("mappings/customer.yaml", "companyName: ", f"{WRONG}\n  # ")
        monkeypatch.setattr(loader, "read_files", read)
        return read(*arguments)

    monkeypatch.setattr(loader, "read_files", changed_meanwhile)

    assert project.messages() == FOUND
    assert len(checks) == 2


def test_files_that_were_mended_only_for_the_check_are_not_known_to_be_sound(
    project, checks, monkeypatch
):
    mapping = project.root / "mappings/customer.yaml"
    sound = mapping.read_bytes()
    project.edit("mappings/customer.yaml", "companyName: ", f"{WRONG}\n  # ")
    wrong = mapping.read_bytes()
    read = read_files

    def mended_meanwhile(*arguments):
        mapping.write_bytes(sound)
        return read(*arguments)

    monkeypatch.setattr(loader, "read_files", mended_meanwhile)
    project.load()
    monkeypatch.setattr(loader, "read_files", read)
    mapping.write_bytes(wrong)

    assert project.messages() == FOUND
    assert len(checks) == 2


def test_each_overlay_is_checked(project, checks, tmp_path):
    own = tmp_path / "tenant"
    own.mkdir()

    for name in ("North", "South", "South"):
        overlay = Overlay(own, Overrides({"project": name}))
        checked, _ = loader.check(project.root, shipped=SHIPPED, overlay=overlay)
        assert checked is not None
        assert checked.name == name

    assert len(checks) == 2
    assert (own / sound_files.FILE).exists()


def test_no_more_than_the_last_checks_are_kept(project, monkeypatch):
    monkeypatch.setattr(sound_files, "MOST", 2)
    for number in range(3):
        project.write(f"rules/more{number}.yaml", "rules: []\n")
        project.load()

    assert len(json.loads((project.root / sound_files.FILE).read_bytes())["sound"]) == 2


def test_sound_tests_are_read_again_only_after_a_change(tmp_path, monkeypatch):
    root = tmp_path / "work"
    (root / TESTS).mkdir(parents=True)
    shutil.copyfile(ROOT / "trueup.yaml", root / "trueup.yaml")
    for part in ("mappings", "rules"):
        shutil.copytree(ROOT / part, root / part)
    test = root / TESTS / "product.yaml"
    shutil.copyfile(ROOT / "tests/project/product.yaml", test)
    project, _ = loader.check(root, shipped=SHIPPED)
    reads, read = [], test_files.read_tests
    monkeypatch.setattr(
        test_files, "read_tests", lambda *arguments: (reads.append(arguments), read(*arguments))[1]
    )

    first, second = test_files.check_tests(project), test_files.check_tests(project)
    test.write_text("test: nothing\n", encoding="utf-8")
    edited, findings = test_files.check_tests(project)
    again = test_files.check_tests(project)

    assert first == second
    assert first[0] > 0
    assert first[1] == []
    assert messages_of(findings) != ""
    assert again == (edited, findings)
    assert len(reads) == 3  # what has errors is never kept
