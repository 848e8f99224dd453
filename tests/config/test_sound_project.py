"""`validate` reads only trueup.yaml of a project that was found sound, until anything differs."""

import pytest
from trueup.config import sound_project
from trueup.config.project_files import read_project_file
from trueup.config.sound_project import SoundProject, check_sound_project

from tests.config.test_sound_files import CHANGES, OTHERS, sound_files


def known(project):
    return check_sound_project(project.root, env=project.env, shipped=project.shipped)


def test_a_project_is_known_after_its_first_check(project):
    assert known(project) is None
    whole = project.load()

    assert known(project) == SoundProject(len(whole.mappings), len(whole.rules), [], "files")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_project_is_not_known_after_a_change(project, tmp_path, change):
    project.load()

    change(project, tmp_path)

    assert known(project) is None


@pytest.mark.parametrize(("name", "other"), OTHERS.values(), ids=OTHERS)
def test_a_project_is_not_known_to_another_trueup(project, monkeypatch, name, other):
    project.load()

    monkeypatch.setattr(sound_files, name, other)

    assert known(project) is None


def test_what_the_environment_lacks_is_found_as_by_a_whole_check(project):
    project.load()
    project.env.clear()

    found = known(project)

    assert found is not None
    assert found.findings
    assert found.findings == project.check()[1]


@pytest.mark.parametrize("file", ["trueup.yaml", "mappings/customer.yaml"])
def test_a_change_during_the_check_is_noticed(project, monkeypatch, file):
    project.load()
    read = read_project_file

    def changed_meanwhile(*arguments):
        found = read(*arguments)
        (project.root / file).write_bytes(b"# " + (project.root / file).read_bytes())
        return found

    monkeypatch.setattr(sound_project, "read_project_file", changed_meanwhile)

    assert known(project) is None


def test_a_folder_without_a_project_is_not_known(project):
    project.load()
    (project.root / "trueup.yaml").unlink()

    assert known(project) is None
