"""The choices where nobody knows what Autotask does: each has a name, values, and one sentence why.

A client is right when it works under every value of every switch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import SandboxError


@dataclass(frozen=True, slots=True)
class Switch:
    """One uncertain fact; the first of `choices` is what the sandbox does unless told otherwise."""

    name: str
    choices: tuple[str, ...]
    why: str


ALL = (
    Switch(
        "missing_record",
        ("null", "404"),
        "A missing id: newer clients see 200 with item null, an older README says 404.",
    ),
    Switch(
        "date_times",
        ("z", "milliseconds", "bare"),
        "Answers are seen with Z, with milliseconds and Z, and by one type file with no zone designator at all.",
    ),
    Switch(
        "read_only_field",
        ("refused", "ignored"),
        "Nobody says whether a body with a read-only field is refused or the field is passed over.",
    ),
    Switch(
        "unknown_property",
        ("ignored", "refused"),
        "A live sync sends a property that does not exist without an error; in general it is not known.",
    ),
    Switch(
        "null_in_patch",
        ("clears", "ignored"),
        "One client says that an explicit null clears the field; no vendor statement.",
    ),
    Switch(
        "text_too_long", ("refused", "cut"), "Production clients cut before they send, so nobody has seen which it is."
    ),
    Switch(
        "text_case",
        ("ignored", "respected"),
        "SQL Server usually compares text without regard to case; no source says it.",
    ),
    Switch(
        "boolean_text_in_filter",
        ("nothing", "converted"),
        'Booleans must be real ones in filters by one digest; what the text "true" does is not said.',
    ),
    Switch(
        "udf_conditions",
        ("one", "five"),
        "Help pages allow one user-defined field in a query, a digest five on newer entities.",
    ),
    Switch(
        "max_records_over_500",
        ("refused", "cut"),
        "MaxRecords goes from 1 to 500; what a larger one does is not said.",
    ),
    Switch(
        "cursor_without_body",
        ("refused", "accepted"),
        "One client posts to the next page without a body; whether that is accepted is not known.",
    ),
    Switch(
        "include_without_id",
        ("one_page", "all_pages"),
        "Help says that Id must be in IncludeFields where over 500 results are expected, not what happens otherwise.",
    ),
    Switch(
        "no_right",
        ("500", "403"),
        "A missing right is 500 with a text about adequate permissions in one client, 403 in others.",
    ),
    Switch(
        "thread_limit_status",
        ("500", "429"),
        'The fourth request at a time fails with a known text, "with a status that is not always 429".',
    ),
    Switch("hourly_limit", ("on", "off"), "Not a doubt: off is for benchmarks and long tests."),
    Switch("hourly_delays", ("on", "off"), "Not a doubt: off spares tests the half second and the second per request."),
    Switch(
        "over_hourly_limit",
        ("429", "500"),
        "Clients expect 429 with Retry-After beyond the hourly threshold; nobody shows the real answer.",
    ),
    Switch(
        "same_day_adjustment",
        ("refused", "added"),
        "One live sync met the duplicate-period error for a second adjustment on one day; no other source.",
    ),
    Switch(
        "second_service_by_post",
        ("refused", "accepted"),
        "A service may stand twice on a contract; nobody says whether a plain POST adds it.",
    ),
    Switch(
        "ambiguous_service",
        ("first", "refused"),
        "With a service twice on a contract, contractID + serviceID is ambiguous; what the service picks is not known.",
    ),
    Switch("units_below_zero", ("refused", "accepted"), "Nobody has seen units fall below zero; an error is expected."),
    Switch(
        "units_before_first_adjustment",
        ("zero", "none"),
        'A fresh contract service "has no units": rows of 0, or no rows at all, is not known.',
    ),
    Switch(
        "adjustment_price",
        ("moves", "ignored"),
        "One live sync reprices by adjustments; a digest of 2019 says that they move only units.",
    ),
    Switch(
        "adjusted_price_on_create",
        ("ignored", "honoured"),
        "A live sync sends adjustedPrice with a contract service; the model has no such field, the effect is unknown.",
    ),
    Switch(
        "contract_service_cost",
        ("writable", "fixed"),
        "Metadata lets unitCost of a contract service be written, help pages only price and description.",
    ),
    Switch(
        "units_price",
        ("row", "unit"),
        "One client reads the price of a unit row as the amount of the whole row; it may be the price of one unit.",
    ),
    Switch(
        "adjustment_answer",
        ("null", "id"),
        "itemId is null after an adjustment in one live sync; elsewhere it is not shown.",
    ),
)

_BY_NAME = {switch.name: switch for switch in ALL}


@dataclass(frozen=True, slots=True)
class Switches:
    """What has been chosen; every switch that is not named stands at its default."""

    chosen: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.chosen.items():
            check(name, value)

    def __getitem__(self, name: str) -> str:
        return self.chosen.get(name, _BY_NAME[name].choices[0])

    def replaced(self, chosen: Mapping[str, str]) -> "Switches":
        """These, with others on top. Raises SandboxError for a name or value that does not exist."""
        return Switches({**self.chosen, **chosen})


def check(name: str, value: str) -> None:
    """Raises SandboxError unless there is such a switch with such a value."""
    switch = _BY_NAME.get(name)
    if switch is None:
        raise SandboxError(f"there is no switch {name!r}; there are {', '.join(sorted(_BY_NAME))}")
    if value not in switch.choices:
        raise SandboxError(f"switch {name} takes {' or '.join(switch.choices)}, not {value!r}")
