"""What every plan says of itself: of which configuration, state and systems it is, and its day."""

from datetime import date

from trueup.model.plan import Plan, Summary
from trueup.model.project import Project
from trueup.planning.systems import systems
from trueup.ports.state import StateSnapshot
from trueup.ports.world import World


def plan_frame(
    project: Project, world: World, snapshot: StateSnapshot, as_of: date, summary: Summary
) -> Plan:
    """Returns a plan with these figures, and without changes, findings and rows."""
    return Plan(
        project=project.digest,
        as_of=as_of,
        lineage=snapshot.lineage,
        serial=snapshot.serial,
        source=world.source.describe(),
        target=world.target.describe(),
        currency=project.currency,
        changes=(),
        waves=(),
        findings=(),
        blocked=(),
        left_out=(),
        ledger=(),
        exceeded=(),
        summary=summary,
        systems=systems(world),
        names=project.catalogue.systems,
        owners=project.owners,
    )
