"""Faults that are planted on purpose, each with the remedy without which it does harm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.chaos.faults import LOOK_UP, REFUSALS, TOKENS, log_in_fault
from tests.chaos.figures import Figures
from tests.chaos.harness import EXPORT, STATE
from tests.chaos.mishaps import MishapHarness
from tests.chaos.person import Person
from tests.chaos.victim import Kill

CHECK = "check before a create"
_CUSTOMER = {
    "companyName": "Ashdown & Pell Veterinary Ltd",
    "companyNumber": "A-1001",
    "companyType": 1,
    "phone": "+44 113 496 0101",
    "ownerResourceID": 29682885,
    "currencyID": 1,
}
_CONTRACT = "Ashdown & Pell Veterinary Ltd-CSP-Monthly"
_SERVICE = 604  # one that the plan puts on that contract


@dataclass(frozen=True)
class Planted:
    """One planted fault.

    `run` runs its scenario without some remedies, and returns whether no harm is done. `remedy` is
    the remedy whose absence it must notice.
    """

    run: Callable[[MishapHarness, str], bool]
    remedy: str
    served: bool = False  # Work 365 is a Dataverse sandbox
    short: bool = False  # also in the short form


def _create_customer(person: Person) -> None:
    person.create("Companies", **_CUSTOMER)


def _add_service(person: Person) -> None:
    contract = person.find("Contracts", "contractName", _CONTRACT)[0]["id"]
    line = person.create(f"Contracts/{contract}/Services", serviceID=_SERVICE)
    person.create(
        "ContractServiceAdjustments",
        contractServiceID=line,
        effectiveDate="2026-11-09",
        unitChange=7,
    )


def _after_it_landed(harness: MishapHarness, defect: str) -> bool:
    """Error texts and an HTML page, each after an adjustment took effect."""
    faults: list[Mapping[str, object]] = [
        {"path": "Adjustments$", "nth": 2 * position + 1, "when": "after", **refusal}
        for position, refusal in enumerate(REFUSALS)
    ]
    return harness.run_with_faults(faults, defect=defect)


def _adjustment_twice(harness: MishapHarness, defect: str) -> bool:
    faults = [{"kind": "twice", "path": "Adjustments$", "nth": nth} for nth in (1, 3, 5)]
    return harness.run_with_faults(faults, defect=defect)


def _create_twice(harness: MishapHarness, defect: str) -> bool:
    """Two records are created whatever `trueup` does: the next plan must say so."""
    fault = {"kind": "twice", "verb": "POST", "path": "/Companies$"}
    return harness.run_with_faults([fault], defect=defect, may_collide=True)


def _without_effect(harness: MishapHarness, defect: str) -> bool:
    """Updates that are answered and change nothing: the next plan must say so."""
    fault = {"kind": "no_effect", "verb": "PATCH", "path": "/Companies$", "times": 0}
    return harness.reports_after(fault, "not-kept", defect=defect)


def _in_capitals(harness: MishapHarness, defect: str) -> bool:
    """Texts that are kept in capitals: the next plan must say so."""
    fault = {"kind": "kept_otherwise", "path": "/Companies$", "fields": "^city$", "times": 0}
    return harness.reports_after(fault, "not-kept", defect=defect)


def _log_in(when: str, *, source: bool) -> Callable[[MishapHarness, str], bool]:
    fault = log_in_fault(when, TOKENS if source else LOOK_UP)
    return lambda harness, defect: harness.plans_despite(fault, source=source, defect=defect)


PLANTED = {
    "an error text or a page after an adjustment landed": Planted(
        _after_it_landed, "refusals", short=True
    ),
    "an adjustment is delivered twice": Planted(_adjustment_twice, "refusals", short=True),
    "a create is delivered twice": Planted(_create_twice, "duplicates"),
    "updates have no effect": Planted(_without_effect, "reading back", short=True),
    "a text is kept in capitals": Planted(_in_capitals, "reading back", short=True),
    "a person creates the customer": Planted(
        lambda harness, defect: harness.run_after_a_person(_create_customer, defect=defect), CHECK
    ),
    "a person adds the service": Planted(
        lambda harness, defect: harness.run_after_a_person(
            _add_service, Kill("service line", 1, "before"), defect=defect
        ),
        CHECK,
        short=True,
    ),
    "the state is put back": Planted(
        lambda harness, defect: harness.run_with_files_put_back([STATE], defect=defect),
        CHECK,
        short=True,
    ),
    "the export is put back": Planted(
        lambda harness, defect: harness.run_with_files_put_back([EXPORT], defect=defect),
        "memory of pushes",
    ),
    "state and export are put back after a kill": Planted(
        lambda harness, defect: harness.run_with_files_put_back(
            [STATE, EXPORT], Kill("adjustment", 4, "after"), defect=defect
        ),
        CHECK,
    ),
    "changes that cancel, and state and export are put back": Planted(
        lambda harness, defect: harness.run_with_cancelling_changes_put_back(defect=defect),
        "steps of units",
        short=True,
    ),
    "two machines in turn": Planted(
        lambda harness, defect: harness.run_on_two_machines(together=False, defect=defect), CHECK
    ),
    "two machines at once": Planted(
        lambda harness, defect: harness.run_on_two_machines(together=True, defect=defect),
        f"{CHECK} + duplicates",
        short=True,
    ),
    "the log-in of the target is busy": Planted(
        _log_in("busy", source=False), "repeats", short=True
    ),
    "the log-in of the target is down": Planted(_log_in("down", source=False), "repeats"),
    "the log-in of the source is busy": Planted(
        _log_in("busy", source=True), "repeats", served=True, short=True
    ),
    "the log-in of the source is down": Planted(
        _log_in("down", source=True), "repeats", served=True
    ),
}


def notices_absence(harness: MishapHarness, planted: Planted) -> bool:
    """Returns whether the scenario notices that its remedy is missing; leaves the figures alone."""
    figures, harness.figures = harness.figures, Figures()
    try:
        return not planted.run(harness, planted.remedy) and not harness.figures.clean
    finally:
        harness.figures = figures
