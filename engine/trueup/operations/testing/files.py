"""Finds and reads the files with tests of a project."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trueup.config.testing.test_file import DEFAULTS, TestFile
from trueup.errors import EngineError
from trueup.local_files import is_absent
from trueup.model.finding import Finding
from trueup.model.project import Project
from trueup.operations.project_folder import TESTS, shipped_schemas, shipped_tests
from trueup.operations.sound_files import sound_tests

if TYPE_CHECKING:
    from trueup.model.testing import ProjectTest, RowDefaults


def find_tests(project: Project, named: Sequence[Path] = ()) -> list[TestFile]:
    """Returns the files with tests, once each, with the defaults that are beside them.

    `named` are files or folders; by default the project's `tests`. Raises EngineError for a missing
    file, or one without tests.
    """
    root = Path(project.root)
    files: dict[Path, TestFile] = {}
    for path in named or [root / TESTS]:
        if path.is_dir():
            found = sorted(file for file in path.glob("*.yaml") if file.name != DEFAULTS)
        elif not is_absent(path):  # a pipe, or a link to nowhere, is refused when it is read
            found = [path]
        elif named:
            raise EngineError(f"there is no file or folder {path}")
        else:
            found = []
        for file in found:
            one = TestFile(file, _name(file, root), defaults=_defaults_beside(file, root))
            files.setdefault(_resolved(file), one)
    if not files:
        where = ", ".join(map(str, named)) or str(root / TESTS)
        raise EngineError(f"there are no tests in {where}: write tests/NAME.yaml")
    return [*files.values()]


def _resolved(file: Path) -> Path:
    """The file that a path leads to; of a link in a circle, the path itself."""
    try:
        return file.resolve()
    except (OSError, RuntimeError):
        return file.absolute()


def _defaults_beside(file: Path, root: Path) -> TestFile:
    """The defaults in the folder of a file with tests, else those of the project or of trueup."""
    folders = (file.parent, root / TESTS)
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
) -> "tuple[list[ProjectTest], list[Finding]]":
    """Returns the tests of a project, and all findings about their files."""
    return _load(project, find_tests(project, named))


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
        tests, findings = read_tests(project)
        return len(tests), findings
    defaults = TestFile(folder / DEFAULTS, _name(folder / DEFAULTS, Path(project.root)))
    return 0, _load_defaults(project, defaults)[1]


def load_new(
    project: Project, file: Path, text: bytes
) -> "tuple[list[ProjectTest], list[Finding]]":
    """As `read_tests`, of a file that is not written yet."""
    root = Path(project.root)
    return _load(project, [TestFile(file, _name(file, root), text, _defaults_beside(file, root))])


def usual_defaults(project: Project) -> "RowDefaults":
    """The defaults of the project's tests, else those that ship."""
    root = Path(project.root)
    return _load_defaults(project, _defaults_beside(root / TESTS / "none.yaml", root))[0]


def _load(project: Project, files: Sequence[TestFile]) -> "tuple[list[ProjectTest], list[Finding]]":
    from trueup.config.testing.loader import load_tests  # noqa: PLC0415 -- takes time to load

    return load_tests(project, files, shipped_schemas())


def _load_defaults(project: Project, file: TestFile) -> "tuple[RowDefaults, list[Finding]]":
    from trueup.config.testing.loader import load_defaults  # noqa: PLC0415 -- takes time to load

    return load_defaults(project, file, shipped_schemas())
