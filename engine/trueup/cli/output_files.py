"""Files that a command writes: completely, or not at all."""

import io
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from trueup import operating_system

if TYPE_CHECKING:
    from trueup.model.fleet import Fleet, Tenant
    from trueup.model.project import Project

_OPEN_STREAM = re.compile(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)|/dev/std(in|out|err)")
_STANDARD = {"in": 0, "out": 1, "err": 2}
_DATABASE = b"SQLite format 3\0"
_FOLDERS = ("mappings", "rules", "schemas", ".trueup")
_PATHS = ("path", "seed", "database", "cache", "profile")
"""The options of source, target and state that name a file or a folder."""


class OutputFile(click.Path):
    """The type of an option that names a file to be written; see `require_no_input`, too.

    No output is YAML, so an existing YAML file belongs to a project; an existing database is a
    state or a sandbox. Neither is replaced.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Returns the path. Raises UsageError for a file that must not be replaced."""
        file = Path(str(super().convert(value, param, ctx)))
        if file.is_file() and file.suffix.casefold() in {".yaml", ".yml"}:
            self.fail(f"{file} is a YAML file, perhaps of the project; name another one.")
        if file.is_file() and _is_database(file):
            self.fail(f"{file} is a database, such as the state or a sandbox; name another file.")
        return file


def given_outputs(values: Mapping[str, object]) -> tuple[Path, ...]:
    """Returns the files that the options of the current command name, to be written."""
    parameters = click.get_current_context().command.params
    files = (values.get(one.name or "") for one in parameters if isinstance(one.type, OutputFile))
    return tuple(file for file in files if isinstance(file, Path))


def require_no_input(file: Path, project: "Project") -> None:
    """Raises UsageError for a file that the project reads, or that trueup keeps for it.

    That holds for files that do not exist yet, too: a plan in the place of the state, or of an
    export, would be read as one. Only a profile may be named before it exists, for `discover`.
    """
    named = [
        (option, str(connection.options[option]))
        for connection in (project.source, project.target, project.state)
        for option in _PATHS
        if connection.options.get(option)
    ]
    inputs = _inputs(Path(project.root), project.own, named)
    if _is_input(file, Path(project.root), inputs, lambda: project.catalogue.tables):
        raise click.UsageError(f"{file} is a file of the project; name another one.")


def require_no_input_of_fleet(file: Path, fleet: "Fleet") -> None:
    """As `require_no_input`, for the files of the fleet's database and of all its tenants.

    In the folders of a tenant whose trueup.yaml has errors, any file may be one of its exports.
    """
    from trueup.fleet.shared_systems import named_files, with_errors
    from trueup.model.fleet import FileSecret

    def is_input_of(tenant: "Tenant", named: Iterable[tuple[str, str]]) -> bool:
        root = tenant.project_folder
        secrets = {
            Path(os.path.realpath(secret.path))
            for secret in tenant.secrets.values()
            if isinstance(secret, FileSecret)
        }
        inputs = _inputs(root, tenant.folder, named) | secrets
        return _is_input(file, root, inputs, lambda: _tables(root))

    path, kept = os.path.realpath(file), os.path.realpath(fleet.root / ".trueup")
    is_kept_file = Path(path).is_relative_to(kept)
    if is_kept_file or any(is_input_of(*one) for one in named_files(fleet, _PATHS)):
        raise click.UsageError(f"{file} is a file of the fleet; name another one.")

    def is_in_folder_of(tenant: "Tenant") -> bool:
        folders = (tenant.project_folder, tenant.folder)
        return any(Path(path).is_relative_to(os.path.realpath(folder)) for folder in folders)

    if tenant := next(with_errors(filter(is_in_folder_of, fleet.tenants.values())), None):
        raise click.UsageError(
            f"{file} may be a file of {tenant.name}, whose trueup.yaml has errors; "
            "correct that, or name a file in another folder."
        )


def _inputs(root: Path, own: Path, named: Iterable[tuple[str, str]]) -> set[Path]:
    """Returns the files and folders of a project; `named` are options and what they name."""
    return {
        Path(os.path.realpath(folder / name))
        for folder in (root, own)
        for name in (
            *_FOLDERS,
            *(text for option, text in named if option != "profile" or (folder / text).exists()),
        )
    }


def _is_input(
    file: Path, root: Path, inputs: set[Path], tables: Callable[[], Collection[str]]
) -> bool:
    """Returns whether the file is one of a project's inputs, or in one of its folders.

    Of a folder that the project itself is in, only the exports of the catalogue's tables count.
    """
    path, root = Path(os.path.realpath(file)), Path(os.path.realpath(root))
    above = inputs & {root, *root.parents}
    if path in inputs or (inputs - above) & {*path.parents}:
        return True
    return path.parent in above and _is_export(path, tables())


def _is_export(path: Path, tables: Collection[str]) -> bool:
    """Whether a source that reads its folder takes the file for a table."""
    from trueup.source.files.source import SUFFIXES

    return path.suffix in SUFFIXES and path.stem in tables


def _tables(root: Path) -> Collection[str]:
    """Returns the tables of the catalogue of the project in a folder. Raises ConfigError."""
    from trueup.config.catalogues import load_catalogue
    from trueup.operations.project_folder import shipped_schemas

    return load_catalogue(shipped_schemas(), root / "schemas").tables


def _is_database(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(_DATABASE)) == _DATABASE


def write_whole(file: Path, content: str | bytes | Callable[[BinaryIO], None]) -> None:
    """Writes a file readable by its owner only, because it holds names and phone numbers.

    Text is UTF-8. The content may be a function that writes it piece by piece, and that may seek. A
    regular file is replaced as a whole or stays as it was. A link stays, and the file that it
    points to is replaced. Pipes, devices and open streams (`/dev/stdout`) are written to. Raises
    `OSError` with the name of the file.
    """
    if not file.parent.is_dir():
        raise FileNotFoundError(ENOENT, "there is no such folder", str(file.parent))
    if isinstance(content, str):
        content = content.encode()
    try:
        if is_kept(file):
            operating_system.write_whole(Path(os.path.realpath(file)), content, private=True)
        else:
            _write_stream(file, _whole(content))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error


def _whole(content: bytes | Callable[[BinaryIO], None]) -> bytes:
    """Returns the content as bytes, for a file that cannot seek."""
    memory = io.BytesIO()
    operating_system.write_content(memory, content)
    return memory.getvalue()


def _write_stream(file: Path, content: bytes) -> None:
    if (descriptor := _open_stream(file)) is not None:
        with os.fdopen(os.dup(descriptor), "wb") as stream:
            stream.write(content)
    else:
        with file.open("wb", buffering=0) as stream:
            _write_all(stream.fileno(), content)


def is_kept(file: Path) -> bool:
    """Returns whether the written content can be read from the file again.

    It cannot from a pipe, a device or an open stream. Raises `OSError`.
    """
    return _open_stream(file) is None and operating_system.is_regular(file)


def _open_stream(file: Path) -> int | None:
    """Returns the descriptor of an open stream that the name refers to; otherwise None."""
    match = _OPEN_STREAM.fullmatch(str(file))
    if not match:
        return None
    number = match[1] or match[2]
    return int(number) if number else _STANDARD[match[3]]


def _write_all(descriptor: int, content: bytes) -> None:
    """Writes all bytes to a pipe or device, which may accept only a part at a time."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
