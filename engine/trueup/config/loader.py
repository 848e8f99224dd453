"""Loads a project folder into a checked `Project`, or reports everything that is wrong with it.

`check` is the whole story, in this order: read every file and check it against its schema
(`project_files.py`), build specs from the documents (`mapping.py`, `rules.py`, `project.py`), then
check names and expressions against the catalogues and each other (`checks/`). Nothing stops at the
first error. `trueup validate` shows what `check` returns; `load` raises it.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from trueup.config.catalogues import load_catalogue
from trueup.config.checks.dependencies import in_order
from trueup.config.checks.options import check_options
from trueup.config.digest import digest
from trueup.config.error_limit import in_order_of_files
from trueup.config.file_names import FLEET, PROJECT
from trueup.config.project import ProjectOptions
from trueup.config.project_files import CODE as PROJECT_CODE
from trueup.config.project_files import (
    GivenFiles,
    ProjectFiles,
    read_files,
    read_shared,
    valid_nodes,
)
from trueup.config.schema import Schemas
from trueup.config.sound_files import files_of_project
from trueup.config.specs import Specs, build_specs
from trueup.errors import ConfigError
from trueup.model.catalogue import Catalogue
from trueup.model.finding import Finding, Severity
from trueup.model.gc_pause import gc_paused
from trueup.model.overlay import Overlay
from trueup.model.project import Project
from trueup.model.suggestions import few_searches

_SCHEMAS = "schemas"


def load(
    root: Path,
    *,
    env: Mapping[str, str] = os.environ,
    shipped: Path,
    overlay: Overlay | None = None,
) -> Project:
    """Returns the project in the folder `root`.

    `shipped` is the folder with the schemas and catalogues that ship with trueup. `overlay` as for
    `check`. Raises `ConfigError` with all errors of all files; warnings are dropped.
    """
    return _required(*check(root, env=env, shipped=shipped, overlay=overlay))


def load_elsewhere(
    root: Path,
    *,
    env: Mapping[str, str] = os.environ,
    shipped: Path,
    overlay: Overlay | None = None,
) -> Project:
    """As `load`, for another project than the one that is worked on: nothing is written there."""
    read = _reader(root, shipped, GivenFiles(overlay=overlay))
    return _required(*_check(env, Schemas(shipped), read, _Origin(root, overlay)).result)


def _required(project: Project | None, findings: list[Finding]) -> Project:
    if project is None:
        raise ConfigError([finding for finding in findings if finding.severity is Severity.ERROR])
    return project


def load_connections(
    root: Path,
    *,
    env: Mapping[str, str] = os.environ,
    shipped: Path,
    overlay: Overlay | None = None,
) -> Project:
    """Returns the project without its mappings, rules and decisions, which may have errors.

    It is for commands that help to write these. `overlay` as for `check`. Raises `ConfigError` for
    errors in trueup.yaml, in what is laid over it, and in the catalogues.
    """
    catalogue = _catalogue(root, shipped)
    files = read_files(root, Schemas(shipped), GivenFiles(overlay=overlay))
    files.mappings, files.rules, files.decisions, files.notes = [], [], None, None
    specs = build_specs(files, Schemas(shipped), env)
    errors = [
        finding
        for finding in (*files.findings, *(specs.options.findings if specs.options else ()))
        if finding.severity is Severity.ERROR
        and (finding.place is None or finding.place.file in (PROJECT, FLEET, str(root)))
    ]
    if specs.options is None or errors:
        raise ConfigError(errors)
    return replace(_project(root, files, specs, specs.options, catalogue), overlay=overlay)


def check(
    root: Path,
    *,
    env: Mapping[str, str] = os.environ,
    shipped: Path,
    decisions: bytes | None = None,
    project: bytes | None = None,
    overlay: Overlay | None = None,
) -> tuple[Project | None, list[Finding]]:
    """Returns the project, or None if it has errors, and all findings in the order of the files.

    `decisions` is read in place of the file with the decisions, and `project` in place of
    trueup.yaml, to check it before it is written. `overlay` is what a tenant of a fleet has of its
    own: findings about what it lays over trueup.yaml have its places.
    """
    read = _reader(root, shipped, GivenFiles(decisions, project, overlay))
    origin = _Origin(root, overlay)
    if decisions is not None or project is not None:
        return _check(env, Schemas(shipped), read, origin).result
    files = files_of_project(root, shipped, overlay)
    if files.counts is not None:
        known = _check(env, Schemas(shipped, is_sound=True), read, origin, is_sound=True)
        if files.are_unchanged():
            return known.result
    checked = _check(env, Schemas(shipped), read, origin)
    if checked.sound:
        files.keep(checked.sound)
    return checked.result


class SharedFiles(Struct, frozen=True):
    """What tenants of one project share: its mappings, rules and catalogues, read once."""

    schemas: Schemas
    catalogue: Catalogue
    files: ProjectFiles


def read_shared_files(root: Path, *, shipped: Path) -> SharedFiles | None:
    """Returns the files of the folder that all its tenants read; None if `check` reports why.

    To read them takes most of the time of a check.
    """
    schemas = Schemas(shipped)
    try:
        return SharedFiles(schemas, _catalogue(root, shipped), read_shared(root, schemas))
    except ConfigError:
        return None


def check_tenant(
    root: Path, overlay: Overlay, shared: SharedFiles, *, env: Mapping[str, str] = os.environ
) -> tuple[Project | None, list[Finding]]:
    """As `check`, for one of several tenants whose project is in the folder `root`.

    `shared` is what `read_shared_files` returned for that folder.
    """
    given = GivenFiles(overlay=overlay, shared=shared.files)
    return _check(
        env,
        shared.schemas,
        lambda schemas: (shared.catalogue, read_files(root, schemas, given)),
        _Origin(root, overlay),
    ).result


class _Origin(Struct, frozen=True):
    """The folders and overlay from which a project is loaded."""

    root: Path
    overlay: Overlay | None


class _Checked(Struct, frozen=True):
    """What a check has found."""

    project: Project | None
    findings: list[Finding]
    sound: Mapping[str, int] | None
    """What `files_of_project` keeps, if nothing was found that follows from the files."""

    @property
    def result(self) -> tuple[Project | None, list[Finding]]:
        return self.project, self.findings


_Read = Callable[[Schemas], tuple[Catalogue, ProjectFiles]]


def _reader(root: Path, shipped: Path, given: GivenFiles) -> _Read:
    """Returns what reads the catalogues and files of a project.

    It raises `ConfigError` if a catalogue is not valid, also with what is wrong with the files.
    """

    def read(schemas: Schemas) -> tuple[Catalogue, ProjectFiles]:
        files = read_files(root, schemas, given)
        try:
            return _catalogue(root, shipped), files
        except ConfigError as error:
            raise ConfigError([*error.findings, *files.findings]) from None

    return read


def _check(
    env: Mapping[str, str],
    schemas: Schemas,
    read: _Read,
    origin: _Origin,
    *,
    is_sound: bool = False,
) -> _Checked:
    """`is_sound`: these very files were checked before, and nothing was found in them."""
    with few_searches(), gc_paused():
        try:
            catalogue, files = read(schemas)
        except ConfigError as error:  # a schema or a catalogue: no name can be checked without
            found = [finding for finding in error.findings if isinstance(finding, Finding)]
            return _Checked(None, in_order_of_files(found), sound=None)
        specs = build_specs(files, schemas, env)
        in_files = [] if is_sound else [*files.findings, *_check_specs(files, specs, catalogue)]
        in_options = (
            check_options(files.project, specs.options) if files.project and specs.options else ()
        )
        findings = in_order_of_files([*in_files, *in_options])
    sound = None if in_files or specs.options is None else _counts(specs, specs.options)
    has_errors = any(finding.severity is Severity.ERROR for finding in findings)
    if specs.options is None or has_errors:
        return _Checked(None, findings, sound)
    project = _project(origin.root, files, specs, specs.options, catalogue)
    warnings = tuple(finding for finding in findings if finding.code == PROJECT_CODE)
    made = replace(project, warnings=warnings, overlay=origin.overlay)
    return _Checked(made, findings, sound)


def _counts(specs: Specs, options: ProjectOptions) -> Mapping[str, int]:
    approvals = 0 if options.approval is None else 1
    return {"mappings": len(specs.mappings), "rules": len(specs.rules), "approvals": approvals}


def _check_specs(files: ProjectFiles, specs: Specs, catalogue: Catalogue) -> Iterator[Finding]:
    from trueup.config.checks.whole_project import check_specs  # noqa: PLC0415 -- loads slowly

    return check_specs(files, specs, catalogue)


def _catalogue(root: Path, shipped: Path) -> Catalogue:
    """Returns the catalogues that ship with trueup, extended by those of the project."""
    return load_catalogue(shipped, root / _SCHEMAS)


def _project(
    root: Path,
    files: ProjectFiles,
    specs: Specs,
    options: ProjectOptions,
    catalogue: Catalogue,
) -> Project:
    return Project(
        root=str(root),
        name=options.name,
        source=options.source,
        target=options.target,
        state=options.state,
        zone=options.zone,
        settings=specs.settings or {},
        guards=options.guards,
        approval=options.approval,
        desk=options.desk,
        mappings=in_order(specs.mappings),
        rules=specs.rules,
        decisions=specs.decisions,
        notes=specs.notes,
        catalogue=catalogue,
        digest=_digest(files, catalogue),
        settle_after=options.settle_after,
        as_of=options.as_of,
        as_of_place=options.as_of_place,
        currency=options.currency,
        batch=options.batch,
        placeholders=options.placeholders,
        notify=options.notify,
    )


def _digest(files: ProjectFiles, catalogue: Catalogue) -> str:
    decisions = files.decisions.data["decisions"] if files.decisions else None
    return digest(
        files.project.data if files.project else None,
        [node.data for _, node in valid_nodes(files.mappings)],
        [rule for _, node in valid_nodes(files.rules) for rule in node.data["rules"]],
        decisions or [],
        catalogue,
    )
