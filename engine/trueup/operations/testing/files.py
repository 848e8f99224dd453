"""Finds and reads the files with tests of a project."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trueup.config.testing.test_file import DEFAULTS, TestFile
from trueup.errors import EngineError
from trueup.local_files import is_absent
from trueup.model.finding import Finding
from trueup.model.project import Project
from trueup.operations.project_folder import TESTS, shipped_folder, shipped_tests
from trueup.operations.sound_files import sound_tests

if TYPE_CHECKING:
    from trueup.model.testing import ProjectTest, RowDefaults


def find_tests(project: Project, named: Sequence[Path] = ()) -> tuple[list[TestFile], TestFile]:
    """Returns the files with tests, and the file with defaults that is used with them.

    `named` are files or folders; by default the project's `tests`. Raises EngineError for a missing
    file, or one without tests.
    """
    root = Path(project.root)
    files: list[TestFile] = []
    for path in named or [root / TESTS]:
        if path.is_dir():
            found = sorted(file for file in path.glob("*.yaml") if file.name != DEFAULTS)
            files += [TestFile(file, _name(file, root)) for file in found]
        elif not is_absent(path):  # a pipe, or a link to nowhere, is refused when it is read
            files.append(TestFile(path, _name(path, root)))
        elif named:
            raise EngineError(f"there is no file or folder {path}")
    if not files:
        where = ", ".join(map(str, named)) or str(root / TESTS)
        raise EngineError(f"there are no tests in {where}: write tests/NAME.yaml")
    return files, _defaults_beside(files[0], root)


def _defaults_beside(file: TestFile, root: Path) -> TestFile:
    """The defaults in the folder of a file with tests, else those of the project or of trueup."""
    folders = (file.path.parent, root / TESTS)
    own = next((folder / DEFAULTS for folder in folders if not is_absent(folder / DEFAULTS)), None)
    if own:
        return TestFile(own, _name(own, root))
    return TestFile(shipped_tests() / DEFAULTS, f"trueup's own {DEFAULTS}")


def _name(file: Path, root: Path) -> str:
    try:
        return file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(file)


def read_tests(
    project: Project, named: Sequence[Path] = ()
) -> "tuple[list[ProjectTest], RowDefaults, list[Finding]]":
    """Returns the tests of a project, the defaults, and all findings about their files."""
    files, defaults = find_tests(project, named)
    return _load(project, files, defaults)


def check_tests(project: Project) -> tuple[int, list[Finding]]:
    """Returns the number of tests of the project, and all findings about their files.

    Tests that were found sound before are not read again, as long as neither they nor the project
    have changed.
    """
    sound = sound_tests(Path(project.root), project.overlay)
    if sound is None:
        return 0, []
    if sound.counts is not None:
        return sound.counts["tests"], []
    count, findings = _checked_tests(project)
    if not findings:
        sound.keep({"tests": count})
    return count, findings


def _checked_tests(project: Project) -> tuple[int, list[Finding]]:
    folder = Path(project.root) / TESTS
    if any(file.name != DEFAULTS for file in folder.glob("*.yaml")):
        tests, _, findings = read_tests(project)
        return len(tests), findings
    defaults = TestFile(folder / DEFAULTS, _name(folder / DEFAULTS, Path(project.root)))
    return 0, _load(project, [], defaults)[2]


def load_files(
    project: Project, files: Sequence[TestFile]
) -> "tuple[list[ProjectTest], RowDefaults, list[Finding]]":
    """As `read_tests`, of files that may not be written yet."""
    defaults = _defaults_beside(files[0], Path(project.root))
    return _load(project, files, defaults)


def usual_defaults(project: Project) -> "RowDefaults":
    """The defaults of the project's tests, else those that ship."""
    root = Path(project.root)
    file = _defaults_beside(TestFile(root / TESTS / "none.yaml", ""), root)
    return _load(project, [], file)[1]


def _load(
    project: Project, files: Sequence[TestFile], defaults: TestFile
) -> "tuple[list[ProjectTest], RowDefaults, list[Finding]]":
    from trueup.config.testing.loader import load_tests  # noqa: PLC0415 -- takes time to load

    return load_tests(project, files, defaults, shipped_folder() / "schemas")
