"""Checks that plan and state belong to the configured source and target.

The configuration may name another tenant later, for instance through the environment; then nothing
that was made for the first one is used.
"""

from collections.abc import Mapping

from trueup.errors import StalePlan, StateError
from trueup.model.catalogue import SystemNames
from trueup.ports.state import StateSnapshot
from trueup.ports.world import World


def systems(world: World) -> dict[str, str]:
    """Returns the identities of the configured systems, of those that have one."""
    found = {"source": world.source.identity(), "target": world.target.identity()}
    return {name: identity for name, identity in found.items() if identity}


def require_same_systems(snapshot: StateSnapshot, world: World, names: SystemNames) -> None:
    """Raises StateError if the state belongs to other systems."""
    if difference := _difference(snapshot.systems, systems(world), names):
        raise StateError(
            f"this state is about {difference}. Restore target: and source: in trueup.yaml (and "
            "the environment), or give each tenant a state of its own (state.path). Is it the same "
            "tenant under another user or address? Then run `trueup state adopt --reason …`"
        )


def require_plan_systems(
    made_for: Mapping[str, str], what: str, world: World, names: SystemNames
) -> None:
    """Raises StalePlan if `what`, a plan or a run, was made for other systems."""
    if difference := _difference(made_for, systems(world), names):
        raise StalePlan(
            f"{what} was made for {difference}: restore the configuration, or plan again"
        )


def _difference(then: Mapping[str, str], now: Mapping[str, str], names: SystemNames) -> str:
    """Returns what differs, as text; a system without an identity differs from none."""
    titles = {"source": names.source, "target": names.target}
    return "; ".join(
        f"{title} {then[name]}, and {now[name]} is configured now"
        for name, title in titles.items()
        if then.get(name) and now.get(name) and then[name] != now[name]
    )
