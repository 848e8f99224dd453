"""The configuration of a git revision is read without touching the repository."""

import shutil
import subprocess
from pathlib import Path

import pytest
from trueup.config.revisions import files_of_revision, is_revision
from trueup.errors import EngineError


def git(folder: Path, *arguments: str) -> None:
    person = ("-c", "user.name=a", "-c", "user.email=a@tenant.example")
    subprocess.run(["git", *person, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path):
    """A project below the top folder of a repository, with one commit."""
    folder = tmp_path / "customers" / "north"
    (folder / "mappings").mkdir(parents=True)
    (folder / "trueup.yaml").write_bytes(b"project: first\r\n")
    (folder / "mappings" / "größe.yaml").write_text("mapping: size\n", encoding="utf-8")
    (folder / "export.csv").write_text("a,b\n")
    (tmp_path / "trueup.yaml").write_text("project: another\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_configuration_of_a_revision_is_read_byte_for_byte(project):
    (project / "trueup.yaml").write_text("project: second\n")

    with files_of_revision(project, "HEAD") as folder:
        found = content(folder)

    assert found == {
        "trueup.yaml": b"project: first\r\n",
        "mappings/größe.yaml": b"mapping: size\n",
    }
    assert not folder.exists()
    assert (project / "trueup.yaml").read_text() == "project: second\n"


@pytest.mark.parametrize("revision", ["no-such-branch", "--help", "HEAD:trueup.yaml", ""])
def test_what_is_no_revision_is_refused(project, revision):
    assert not is_revision(project, revision)
    with pytest.raises(EngineError, match="git rev-parse"), files_of_revision(project, revision):
        pass


def test_a_folder_outside_of_a_repository_has_no_revisions(tmp_path):
    assert not is_revision(tmp_path, "HEAD")


def test_a_revision_before_the_project_is_refused(project):
    (project.parent / "south").mkdir()

    with (
        pytest.raises(EngineError, match=r"HEAD has no trueup\.yaml in this folder"),
        files_of_revision(project.parent / "south", "HEAD"),
    ):
        pass


def test_a_link_in_a_revision_is_refused(project):
    (project / "mappings" / "other.yaml").symlink_to("größe.yaml")
    git(project, "add", ".")
    git(project, "commit", "-qm", "link")

    with (
        pytest.raises(EngineError, match=r"HEAD:mappings/other\.yaml is no regular file"),
        files_of_revision(project, "HEAD"),
    ):
        pass


def test_without_git_a_folder_is_advised(project, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with (
        pytest.raises(EngineError, match="git is not installed: compare with a folder"),
        files_of_revision(project, "HEAD"),
    ):
        pass
