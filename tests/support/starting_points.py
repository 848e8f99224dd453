"""Beginnings that tests share: seats kept by hand, a second one of a kind, a failing write."""

from datetime import date

from tests.support.scene import LINE, Fault, Scene, day, kept, log, subscription
from tests.support.small_project import decisions, settings


def by_hand(*steps: tuple[date, int]) -> Scene:
    """People keep the seats in Autotask: day and change of each."""
    scene = kept()
    for on, units in steps:
        scene.target.by_hand(LINE, on, units)
    return scene


REPEATED = settings(allow_duplicated_services="true")


def twins(scene: Scene) -> Scene:
    scene.add("subscription", subscription("twin", 5, name="Mail (reception)"))
    scene.add("license_change", log("of twin", day(11, 2), 4, subscription="twin"),
              log("twin later", day(11, 12), 1, subscription="twin"))  # fmt: skip
    return scene


def services(scene: Scene) -> list[int]:
    """Units of each contract service after everything."""
    return sorted(scene.units(day(12, 1), id_) for id_ in scene.target.records["ContractServices"])


def disturbed(fault: Fault, scene: Scene | None = None) -> Scene:
    scene = scene or Scene()
    scene.target.faults = [fault]
    return scene


def said_again(scene: Scene, do: str, key: str = "third") -> dict[str, str]:
    """What is decided of a log that the latest run took back."""
    run = scene.state.runs()[-1].id
    return decisions(
        f"{{mapping: license_change, key: {key}, do: {do}, reason: it was right, after: '{run}'}}"
    )


def steps(scene: Scene, change: str) -> list[str]:
    return [
        str(entry.step)
        for entry in scene.state.journal(scene.state.runs()[-1].id)
        if entry.change == change
    ]
