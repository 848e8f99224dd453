"""Which tenant and which environment: a plan and a state are about one of each, whatever the environment says later."""

from collections.abc import Mapping

from engine.errors import StalePlan, StateError
from engine.ports import Memory, World

NAMES = {"source": "Work 365", "target": "Autotask"}


def systems(world: World) -> dict[str, str]:
    """Which ones are configured now, as far as they say so."""
    found = {"source": world.source.identity(), "target": world.target.identity()}
    return {name: identity for name, identity in found.items() if identity}


def unmixed(memory: Memory, world: World) -> None:
    """Raises StateError where the state is about others: nothing in it would be true of these."""
    if differing := _others(memory.systems, systems(world)):
        raise StateError(
            f"this state is about {differing}. Put target: and source: in trueup.yaml (and the environment) back, or "
            "give each tenant a state of its own (state.path). Is it the same tenant under another user or address? "
            "`trueup state adopt --reason …` says so"
        )


def intended(made_for: Mapping[str, str], what: str, world: World) -> None:
    """Raises StalePlan where `what`, a plan or a run, was made for others than are configured now."""
    if differing := _others(made_for, systems(world)):
        raise StalePlan(f"{what} was made for {differing}: put the configuration back, or plan again")


def _others(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What differs, in words; a system that says nothing of itself differs from none."""
    return "; ".join(
        f"{title} {then[name]}, and {now[name]} is configured now"
        for name, title in NAMES.items()
        if then.get(name) and now.get(name) and then[name] != now[name]
    )
