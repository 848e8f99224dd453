"""Compares two configurations by their plans of the same rows and records."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from trueup import wiring
from trueup.config import loader
from trueup.config.file_names import PROJECT
from trueup.config.revisions import files_of_revision, is_revision
from trueup.errors import ConfigError, EngineError, TargetRejected
from trueup.model.catalogue import Catalogue
from trueup.model.comparison import Comparison
from trueup.model.finding import Finding, Place
from trueup.model.overlay import Overlay
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.arguments import path_text, require_common
from trueup.operations.listener import SILENT, Listener
from trueup.operations.plan import plan_in
from trueup.operations.project_folder import shipped_schemas
from trueup.pipeline import PlanOptions
from trueup.planning.comparison import compare as compare_plans
from trueup.planning.shared_reads import shared
from trueup.planning.tenant_checks import unknown_fields
from trueup.ports.world import World


def compare(
    project: Project,
    other: Path | str,
    options: PlanOptions | None = None,
    listener: Listener = SILENT,
) -> Comparison:
    """Returns what the project's configuration does that another one does not.

    `other` is the folder of a project, or a revision of the git repository that `project` is in.
    Both plans are made from the same rows, records and state, for the same day; the connections are
    those of `project`. Nothing is written. Raises EngineError for an unknown folder or revision,
    and what `plan` raises.
    """
    require_common(project, listener, options)
    other = path_text("other", other)
    options = options or PlanOptions()
    with _other_project(project, other) as before_project:
        both = (project, before_project)
        united = replace(project, catalogue=_united(project.catalogue, before_project.catalogue))
        with wiring.open_world(united) as opened:
            world = shared(opened, both)
            after = _plan(world, project, before_project, options, listener, other)
            calls = opened.target.calls
            options = replace(options, as_of=after.as_of)
            with _naming(other):
                before = plan_in(world, before_project, options, Listener(listener.step))
            extra = opened.target.calls - calls
    return compare_plans(
        before,
        after,
        other,
        calls=calls + extra,
        extra_calls=extra,
        notes=tuple(_shared(project, before_project, options)),
    )


@contextmanager
def _other_project(project: Project, other: str) -> Iterator[Project]:
    """Returns the project of a folder with a trueup.yaml, otherwise that of a git revision.

    The files of a fleet's tenant are laid over the revision too.
    """
    root, overlay = Path(project.root), project.overlay
    with _naming(other):
        if (Path(other) / PROJECT).is_file():
            found = _load(Path(other), overlay)
        elif is_revision(root, other):
            with files_of_revision(root, other) as folder:
                found = _load(folder, overlay)
        elif Path(other).is_dir():
            raise EngineError(f"there is no {PROJECT} in this folder")
        else:
            raise EngineError(
                f"this is neither a folder with a {PROJECT}, "
                "nor a revision of the git repository that the project is in"
            )
    yield found


def _load(folder: Path, overlay: Overlay | None) -> Project:
    """Returns the project of a folder in which nothing is written."""
    return loader.load_elsewhere(folder, shipped=shipped_schemas(), overlay=overlay)


@contextmanager
def _naming(other: str) -> Iterator[None]:
    """Returns how errors and places name the other configuration, in git's notation."""
    try:
        yield
    except ConfigError as error:
        findings = [
            replace(finding, place=_place(other, finding.place))
            if isinstance(finding, Finding)
            else finding
            for finding in error.findings
        ]
        raise ConfigError(findings) from error
    except EngineError as error:
        raise EngineError(f"configuration {other}: {error}") from error


def _place(other: str, place: Place | None) -> Place:
    if place is None:
        return Place(other)
    separator = "/" if Path(other).is_dir() else ":"
    return replace(place, file=f"{other}{separator}{place.file}")


def _united(mine: Catalogue, other: Catalogue) -> Catalogue:
    """Returns the union of both catalogues; for equal names, the first one counts."""
    tables = {**other.tables, **mine.tables}
    for name in mine.tables.keys() & other.tables.keys():
        known = {**other.tables[name].columns, **mine.tables[name].columns}
        tables[name] = replace(mine.tables[name], columns=known)
    entities = {**other.entities, **mine.entities}
    for name in mine.entities.keys() & other.entities.keys():
        fields = {**other.entities[name].fields, **mine.entities[name].fields}
        entities[name] = replace(mine.entities[name], fields=fields)
    return replace(mine, tables=tables, entities=entities)


def _plan(
    world: World,
    project: Project,
    before_project: Project,
    options: PlanOptions,
    listener: Listener,
    other: str,
) -> Plan:
    """The plan of `project`. It reads the fields of both configurations.

    Raises ConfigError also for fields of the other one that the tenant does not have.
    """
    try:
        return plan_in(world, project, options, listener)
    except TargetRejected as refusal:
        with _naming(other):
            if unknown := unknown_fields(before_project, world.target):
                raise ConfigError(unknown) from refusal
        raise


def _shared(project: Project, before: Project, options: PlanOptions) -> Iterator[str]:
    """Returns what both plans use although the two configurations differ in it."""
    connections = (
        ("source", project.source, before.source),
        ("target", project.target, before.target),
        ("state", project.state, before.state),
    )
    for name, mine, other in connections:
        if project.overlay and (name == "state" or mine.connector == other.connector):
            continue  # the fleet names it, with secrets that are not known here
        if (mine.connector, mine.options) != (other.connector, other.options):
            yield f"another `{name}` is configured there; both plans use the one of this project"
    if project.zone != before.zone:
        yield f"`time_zone` is {before.zone} there; rows are read in {project.zone} for both plans"
    if before.as_of and before.as_of != options.as_of:
        yield f"`as_of` is {before.as_of} there; both plans are for {options.as_of}"
