"""Checks of the arguments that the functions of the Python API have in common."""

from trueup.model.arguments import require
from trueup.model.project import Project
from trueup.operations.listener import SILENT, Listener
from trueup.pipeline import PlanOptions


def require_common(
    project: Project, listener: Listener = SILENT, options: PlanOptions | None = None
) -> None:
    """Raises EngineError for an argument of another type: Python callers may pass anything."""
    require("project", project, Project)
    require("listener", listener, Listener)
    if options is not None:
        require("options", options, PlanOptions)
