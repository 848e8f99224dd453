"""The project of the tests of the desk."""

from pathlib import Path

from tests.scenarios.beginnings import Service
from tests.scenarios.world import World


def desk_world(folder: Path, customer: str) -> World:
    """A project of one customer: one line agrees, one differs, one is new, one has a change that
    waits."""
    return World(
        folder,
        Service(seats=13, changes={"2026-11-10": 3}),
        Service("two", seats=10, billed=8),
        Service("new", in_autotask=False),
        Service(
            "held",
            seats=12,
            changes={"2026-11-12": 2},
            log={"provisioning_status": "Awaiting Provisioning"},
        ),
        account={"name": customer},
    )
