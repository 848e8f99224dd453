"""Initial situations that tests share: manual seats, a second service, a failing write."""

from datetime import date

from tests.support.scene import (
    LINE,
    Fault,
    Scene,
    account,
    contract,
    day,
    kept,
    log,
    subscription,
)
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


def crowd() -> Scene:
    """A little of everything: new, blocked, left-out, held and merged rows, and daughters."""
    scene = twins(Scene())
    scene.files(
        REPEATED, decisions("{mapping: license_change, key: c2, do: archive, reason: by hand}")
    )
    for name, phone in (("c", "1"), ("b", None), ("d", "1"), ("a", "1")):
        scene.add(
            "account",
            account(name, name=f"Customer {name}", number=f"N-{name}", phone=phone, parent="d"),
        )
        scene.add(
            "billing_contract",
            contract(f"k{name}", number=f"K-{name}", name=f"CSP {name}", customer=name),
        )
        for number in range(3):
            id_ = f"{name}{number}"
            more = {"customer": name, "contract": f"k{name}", "product": "pro" if number else "yea"}
            scene.add(
                "subscription",
                subscription(id_, 2, name=f"Mail {id_}", billable=number < 2, **more),
            )
            scene.add(
                "license_change",
                log(id_, day(11, 2 + number), 1, subscription=id_),
                log(f"{id_}x", day(11, 2 + number), 1, subscription=id_),
            )
    scene.row("account", "d")["parent"] = None
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
