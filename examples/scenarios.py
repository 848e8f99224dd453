"""The contracts and subscriptions of the example: each fault is there once or twice.

One line is one contract or subscription, so the tables are not wrapped.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

PLENTY = 12


@dataclass(frozen=True)
class Contract:
    """A billing contract in Work 365."""

    customer: str  # the customer's number
    frequency: str = "Monthly"
    start: date = date(2026, 10, 1)
    end: date | None = date(2029, 9, 30)
    letter: str = "M"  # tells contracts of one customer apart
    known: str = ""  # to Autotask: by number, by name (without a number), or not at all
    usual: int = 0  # number of random subscriptions on it
    clean: bool = False  # nothing is wrong with it or with its customer
    type: str = "Recurring"
    state: str = "Active"
    posted: date | None = None  # the last day that Autotask has approved and posted
    autotask_start: date | None = None  # where Autotask has another start
    autotask_end: date | None = None  # where Autotask has another end

    @property
    def key(self) -> str:
        """Customer and letter, such as A-1007-Y."""
        return f"{self.customer}-{self.letter}"


@dataclass(frozen=True)
class Scenario:
    """A subscription: its license changes, and what is special about it.

    Changes are texts such as `2025-03-01 +10; 2026-11-05 -2`.
    """

    contract: str  # the contract's key; a customer's number for a subscription without contract
    product: str
    billed: str = ""  # changes that Autotask has billed
    pending: str = ""  # changes that Autotask has not billed
    audit: str = ""  # changes of the price only
    adjusted: str = ""  # Autotask's adjustments, where they are not the billed changes
    in_autotask: bool = True  # there is a contract service
    name: str = ""
    customer: str = ""  # where it is not the contract's
    type: str = ""
    unit: str = ""
    currency: str = ""
    quantity: Decimal | None = None  # where it is not the sum of the changes
    start: date | None = None
    billable: bool = True
    trial: bool = False
    state: str = "Active"
    status: str = "Active"
    provisioning: str = "Provisioned"


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _monthly(number: str, start: str, end: str, known: str = "number", **more: object) -> Contract:
    settings = {"usual": PLENTY, "posted": _day("2026-10-31"), **more}
    return Contract(number, "Monthly", _day(start), _day(end), "M", known, **settings)  # type: ignore[arg-type]


def _yearly(number: str, start: str, end: str, posted: str, known: str = "number") -> Contract:
    settings = {"usual": PLENTY, "posted": _day(posted), "clean": True}
    return Contract(number, "Annual", _day(start), _day(end), "Y", known, **settings)  # type: ignore[arg-type]


# fmt: off
CONTRACTS = [
    # Sound, and in Autotask.
    _monthly("A-1004", "2024-04-01", "2027-03-31", clean=True),
    _monthly("A-1005", "2024-07-01", "2027-06-30", clean=True),
    _monthly("A-1006", "2024-10-01", "2027-09-30", clean=True),
    _monthly("A-1007", "2024-09-01", "2027-08-31", clean=True),
    _monthly("A-1008", "2025-01-01", "2027-12-31", clean=True),
    Contract("A-1010", "Monthly", _day("2024-12-01"), _day("2027-11-30"), "M", "number", usual=PLENTY, clean=True, posted=_day("2026-09-30"), autotask_end=_day("2026-11-30")),
    _monthly("A-1011", "2025-02-01", "2028-01-31", clean=True),
    _monthly("A-1012", "2024-05-01", "2027-04-30", clean=True),
    _monthly("A-1013", "2024-03-01", "2027-02-28", clean=True),
    _monthly("A-1014", "2025-04-01", "2028-03-31", clean=True),
    _monthly("A-1015", "2024-11-01", "2027-10-31", clean=True),
    _monthly("A-1016", "2024-01-01", "2027-12-31", "name", clean=True, autotask_end=_day("2026-12-31")),
    _monthly("A-1020", "2024-06-01", "2027-05-31", clean=True),
    _monthly("A-1021", "2024-08-01", "2027-07-31", clean=True),
    _monthly("A-1025", "2025-03-01", "2028-02-29", clean=True),
    _monthly("A-1027", "2025-05-01", "2028-04-30", clean=True),
    _monthly("A-1028", "2025-06-01", "2028-05-31", clean=True),
    _monthly("A-1037", "2025-07-01", "2028-06-30", "name", clean=True),
    _yearly("A-1006", "2025-02-01", "2028-01-31", "2026-01-31"),
    _yearly("A-1007", "2025-03-01", "2028-02-29", "2026-02-28"),
    _yearly("A-1009", "2024-09-01", "2027-08-31", "2026-08-31"),
    _yearly("A-1014", "2025-10-01", "2028-09-30", "2026-09-30"),
    _yearly("A-1018", "2024-05-01", "2027-04-30", "2026-04-30"),
    _yearly("A-1026", "2025-03-01", "2028-02-29", "2026-02-28"),
    _yearly("A-1029", "2025-08-01", "2028-07-31", "2026-07-31", "name"),
    Contract("A-1022", "Quarterly", _day("2025-01-01"), _day("2027-12-31"), "Q", "number", clean=True, posted=_day("2026-09-30")),
    # In Autotask, but their customers are blocked or need a decision.
    _monthly("A-1003", "2025-01-01", "2027-12-31", usual=1),
    _monthly("A-1019", "2025-04-01", "2028-03-31", usual=1),
    _monthly("A-1030", "2025-09-01", "2028-08-31", usual=1),
    _monthly("A-1031", "2024-02-01", "2027-01-31", usual=1),
    _monthly("A-1032", "2025-11-01", "2028-10-31", usual=1),
    _monthly("A-1038", "2025-10-01", "2028-09-30", usual=1),
    _monthly("A-1039", "2024-12-01", "2027-11-30", usual=1),
    # Starts a month later in Autotask than in Work 365.
    Contract("A-1024", known="number", autotask_start=_day("2026-11-01")),
    # New.
    Contract("A-1001"),
    Contract("A-1002"),
    Contract("A-1002", "Annual", letter="Y"),
    Contract("A-1033", "Annual", _day("2026-11-01"), _day("2029-10-31"), "Y"),
    Contract("A-1034", start=_day("2026-11-01"), end=_day("2029-10-31")),
    # New, with blocked customers.
    Contract("A-1017"),
    Contract("A-1023"),
    Contract("A-1035"),
    Contract("A-1036"),
    Contract("A-1040"),
    # Faults of the contract.
    Contract("A-1011", letter="I", type="Item Based"),
    Contract("A-1012", letter="N", end=None),
    Contract("A-1020", letter="N", end=_day("2026-03-31")),
    Contract("A-1027", "Triennial", letter="T"),
    Contract("A-1033", start=_day("2026-11-01"), end=_day("2029-10-31")),
    # Ended.
    Contract("A-1025", "Monthly", _day("2023-06-01"), _day("2026-05-31"), "E", "number", state="Inactive", posted=_day("2026-05-31")),
]

SCENARIOS = [
    # More seats, from the day of the demo on.
    Scenario("A-1007-Y", "premium-y", "2025-03-01 +12", "2026-11-15 +3"),
    Scenario("A-1022-Q", "ems-q", "2025-01-01 +30; 2025-10-01 +5", "2026-11-16 +4"),
    # Two changes on one day make one adjustment; two that cancel out make none.
    Scenario("A-1004-M", "basic-m", "2024-05-13 +10", "2026-11-10 +2; 2026-11-10 +1"),
    Scenario("A-1007-M", "exo1-m", "2024-09-16 +6", "2026-11-12 +3; 2026-11-12 -3"),
    # Its day has an adjustment already.
    Scenario("A-1011-M", "standard-m", "2025-02-10 +7; 2026-11-05 +2", "2026-11-05 +1"),
    # Ended: to be reduced to zero.
    Scenario("A-1006-M", "visio2-m", "2025-02-03 +2", "2026-11-10 -2", state="Inactive", status="Suspended"),
    Scenario("A-1028-M", "project3-m", "2025-06-16 +3", "2026-11-20 -3", state="Inactive", status="Cancelled"),
    # Paused: still billed.
    Scenario("A-1011-M", "premium-m", "2025-03-03 +9", status="Suspended"),
    Scenario("A-1014-M", "basic-m", "2025-04-14 +25; 2026-02-02 +4", status="Suspended"),
    # Fewer seats, back-dated into a period that is not posted.
    Scenario("A-1010-M", "premium-m", "2025-01-13 +12", "2026-10-12 -2"),
    # New customers: nothing is in Autotask yet.
    Scenario("A-1001-M", "premium-m", pending="2026-10-01 +9; 2026-11-09 +2", in_autotask=False),
    Scenario("A-1001-M", "exo1-m", pending="2026-10-01 +3", in_autotask=False),
    Scenario("A-1001-M", "defender-m", pending="2026-11-01 +12", in_autotask=False),
    Scenario("A-1002-M", "premium-m", pending="2026-10-01 +22", in_autotask=False),
    Scenario("A-1002-M", "standard-m", pending="2026-10-05 +14; 2026-10-26 -1", in_autotask=False),
    Scenario("A-1002-M", "phone-m", pending="2026-10-12 +6", in_autotask=False),
    Scenario("A-1002-M", "resource-m", pending="2026-10-12 +2", in_autotask=False),
    Scenario("A-1002-Y", "copilot-y", pending="2026-10-15 +5", in_autotask=False),
    Scenario("A-1033-Y", "premium-y", pending="2026-11-01 +11", in_autotask=False),
    Scenario("A-1033-Y", "appse-y", pending="2026-11-16 +2", in_autotask=False),
    Scenario("A-1034-M", "standard-m", pending="2026-11-01 +4", in_autotask=False),
    Scenario("A-1034-M", "entra-m", pending="2026-11-02 +10", in_autotask=False),
    # Skipped on purpose.
    Scenario("A-1006-M", "azure", type="Usage", in_autotask=False),
    Scenario("A-1029-Y", "azure", type="Usage", in_autotask=False),
    Scenario("A-1009-Y", "e3-m", type="Calculated", in_autotask=False, quantity=Decimal(1), name="Support, 10 % of licences"),
    Scenario("A-1005-M", "basic-m", pending="2026-10-05 +5", in_autotask=False, billable=False, name="Microsoft 365 Business Basic (in bundle)"),
    Scenario("A-1027-M", "e3-m", pending="2026-10-20 +25", in_autotask=False, trial=True, name="Microsoft 365 E3 (trial)"),
    # Skipped, but billed by Autotask all the same.
    Scenario("A-1010-M", "exo1-m", "2025-04-01 +5", billable=False, name="Exchange Online (Plan 1) (in bundle)"),
    # Ended with "do not refund": the change was created as archived, and Autotask continues to bill.
    Scenario("A-1026-Y", "standard-y", "2025-03-01 +4; 2026-09-30 -4", adjusted="2025-03-01 +4", state="Inactive", status="Cancelled"),
    # The two sides differ, and no pending change explains it.
    Scenario("A-1004-M", "exo1-m", "2024-06-10 +15; 2025-08-04 +5", adjusted="2024-06-10 +15; 2025-08-04 +3"),
    Scenario("A-1018-Y", "appse-y", "2024-05-06 +12; 2026-09-14 -2", adjusted="2024-05-06 +12"),
    # In Work 365 since last year, but not in Autotask.
    Scenario("A-1025-M", "project3-m", "2025-05-01 +3", in_autotask=False),
    # The same seats were entered manually in Autotask.
    Scenario("A-1012-M", "standard-m", "2025-01-06 +8", "2026-11-03 +3", adjusted="2025-01-06 +8; 2026-11-02 +3"),
    Scenario("A-1021-M", "apps-m", "2025-06-02 +6", "2026-11-09 +2; 2026-11-16 +1", adjusted="2025-06-02 +6; 2026-11-09 +3"),
    # Faults of the subscription.
    Scenario("A-1008-M", "standard-m", "2025-02-17 +6"),
    Scenario("A-1008-M", "standard-m", pending="2026-11-04 +2", in_autotask=False, name="Microsoft 365 Business Standard (reception)"),
    Scenario("A-1016-M", "f3-m", pending="2026-11-02 +2", in_autotask=False, customer="A-1015"),
    Scenario("A-1013-M", "o365e1-m", "2024-04-08 +30", "2026-11-06 +2"),
    Scenario("A-1005-M", "ltsc", pending="2026-10-12 +1", in_autotask=False),
    Scenario("A-1005", "exo2-m", pending="2026-10-19 +2", in_autotask=False),
    Scenario("A-1014-M", "apps-m", "2025-05-01 +5", "2026-11-03 +2.5"),
    Scenario("A-1015-M", "premium-m", "2024-11-04 +14", quantity=Decimal(16)),
    Scenario("A-1020-M", "premium-m", "2024-06-17 +8", "2026-11-12 +1", unit="Annual"),
    Scenario("A-1037-M", "apps-m", "2025-07-07 +9", currency="GBP"),
    # Faults of the product.
    Scenario("A-1037-M", "ppu-m", pending="2026-11-02 +2", in_autotask=False),
    Scenario("A-1011-M", "powerbi-m", "2025-02-03 +5"),
    Scenario("A-1006-M", "intune-m", "2025-01-20 +20"),
    Scenario("A-1027-T", "e3-3y", pending="2026-10-01 +10", in_autotask=False),
    # Faults of a license change.
    Scenario("A-1006-M", "e3-m", "2025-01-15 +10", "2026-10-20 +2"),
    Scenario("A-1028-M", "premium-m", "2025-06-02 +8", "2026-10-29 -1; 2026-11-05 +2"),
    Scenario("A-1021-M", "exo2-m", "2025-03-01 +5", "2026-11-05 -7; 2026-11-20 +4"),
    Scenario("A-1034-M", "premium-m", pending="2026-10-28 +6", in_autotask=False, start=_day("2026-11-01")),
    Scenario("A-1024-M", "premium-m", pending="2026-10-10 +5", in_autotask=False),
    Scenario("A-1024-M", "exo1-m", "2026-11-01 +5"),
    Scenario("A-1010-M", "standard-m", "2025-02-03 +9", "2026-11-18 +2", provisioning="Awaiting Provisioning"),
    Scenario("A-1025-M", "f3-m", "2025-03-10 +16", "2026-11-06 +4", provisioning="Failed Provisioning"),
    Scenario("A-1015-M", "exo1-m", "2025-01-20 +5", "2026-11-04 +1.5; 2026-11-11 +1.5"),
    # Changes of the price only.
    Scenario("A-1004-M", "premium-m", "2024-04-08 +18", audit="2026-11-01 0"),
    Scenario("A-1007-M", "premium-m", "2024-09-02 +7", audit="2026-11-01 0"),
    Scenario("A-1012-M", "basic-m", "2024-05-06 +11", audit="2026-10-15 0"),
    # On contracts or for customers with faults.
    Scenario("A-1033-M", "standard-m", pending="2026-10-15 +4", in_autotask=False),
    Scenario("A-1033-M", "premium-m", pending="2026-11-01 +3", in_autotask=False),
    Scenario("A-1012-N", "f3-m", pending="2026-10-01 +6", in_autotask=False),
    Scenario("A-1020-N", "apps-m", pending="2026-10-01 +2", in_autotask=False),
    Scenario("A-1011-I", "exo2-m", pending="2026-10-01 +1", in_autotask=False),
    Scenario("A-1017-M", "basic-m", pending="2026-10-01 +5", in_autotask=False),
    Scenario("A-1023-M", "standard-m", pending="2026-10-01 +7", in_autotask=False),
    Scenario("A-1035-M", "standard-m", pending="2026-10-01 +8", in_autotask=False),
    Scenario("A-1035-M", "premium-m", pending="2026-10-08 +2", in_autotask=False),
    Scenario("A-1036-M", "premium-m", pending="2026-10-01 +15", in_autotask=False),
    Scenario("A-1040-M", "basic-m", pending="2026-10-01 +40", in_autotask=False),
    # Ended, and zero on both sides.
    Scenario("A-1025-E", "standard-m", "2023-06-12 +5; 2026-05-31 -5", state="Inactive", status="Expired"),
    Scenario("A-1025-E", "exo1-m", "2023-06-12 +2; 2026-05-31 -2", state="Inactive", status="Expired"),
]

ORPHANS = [("A-1020-M", "visio2-m", "2025-02-01 +4")]
"""Contract services in Autotask without a subscription: contract, product, adjustments."""

MANUAL_PRICES = {("A-1018-Y", "e5-y"): "540.00", ("A-1007-Y", "e5-y"): "550.00", ("A-1005-M", "f3-m"): "7.20", ("A-1022-Q", "ems-q"): "27.00"}
"""Prices that were set manually on contracts in Autotask; they are never a difference."""
