"""The checks of trueup.yaml whose result may depend on the environment."""

from collections.abc import Iterator

from trueup.config.checks.connections import check_connections
from trueup.config.desk import check_desk
from trueup.config.node import Node
from trueup.config.project import ProjectOptions
from trueup.model.finding import Finding


def check_options(project: Node, options: ProjectOptions) -> Iterator[Finding]:
    """Yields what is wrong with the options of `project`, in no particular order."""
    yield from options.findings
    if desk := project.get("desk"):
        yield from check_desk(desk, options.desk)
    yield from check_connections(project, options)
