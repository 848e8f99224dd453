"""Choices where Autotask's behaviour is unknown: each has a name, its values, and the reason.

A client is correct if it works with every value of every switch.
Source: docs/explanation/autotask.md, section 11.
"""

from collections.abc import Mapping

from msgspec import Struct

from trueup.errors import SandboxError


class Switch(Struct, frozen=True):
    """One uncertain fact. The first of `choices` is the default."""

    name: str
    choices: tuple[str, ...]
    why: str


ALL = (
    Switch(
        "missing_record",
        ("null", "404"),
        "For a missing id, newer clients receive 200 with item null; an older README says 404.",
    ),
    Switch(
        "date_times",
        ("z", "milliseconds", "trimmed", "bare"),
        "Responses have Z, milliseconds and Z, those without final zeros, or no zone at all.",
    ),
    Switch(
        "unset_text",
        ("null", "empty"),
        "Text that is not set is null in some recorded responses and empty text in others.",
    ),
    Switch(
        "unset_udf",
        ("listed", "left_out"),
        "A user-defined field without a value may be listed with null, or not at all.",
    ),
    Switch(
        "read_only_field",
        ("ignored", "refused"),
        "Clients send whole records back without an error; one report quotes a refusal.",
    ),
    Switch(
        "unknown_property",
        ("ignored", "refused"),
        "A live sync sends an unknown property without an error; the general rule is unknown.",
    ),
    Switch(
        "null_in_patch",
        ("clears", "ignored"),
        "One client documents that an explicit null clears the field; the vendor does not.",
    ),
    Switch(
        "text_too_long",
        ("refused", "cut"),
        "Production clients cut text before they send it, so the behaviour was never observed.",
    ),
    Switch(
        "empty_required",
        ("refused", "accepted"),
        "An unset text reads as empty as often as null; how a required field takes one is unknown.",
    ),
    Switch(
        "text_case",
        ("ignored", "respected"),
        "SQL Server usually compares text without regard to case; no source confirms it.",
    ),
    Switch(
        "unknown_operator",
        ("dropped", "refused"),
        "Live tenants drop such a condition and return everything; refused finds a client's typo.",
    ),
    Switch(
        "udf_conditions",
        ("one", "five"),
        "Help pages allow one user-defined field in a query, a digest five on newer entities.",
    ),
    Switch(
        "cursor_without_body",
        ("refused", "accepted"),
        "One client posts to the next page without a body; whether that is accepted is unknown.",
    ),
    Switch(
        "include_without_id",
        ("one_page", "all_pages"),
        "Help demands Id in IncludeFields beyond 500 results; what happens without it is unknown.",
    ),
    Switch(
        "no_right",
        ("500", "403"),
        "A missing right is 500 with a text about permissions in one client, and 403 in others.",
    ),
    Switch(
        "thread_limit_status",
        ("500", "429"),
        "The fourth concurrent request fails with a known text; its status is not always 429.",
    ),
    Switch(
        "hourly_limit", ("on", "off"), "Not an uncertainty: off is for benchmarks and long tests."
    ),
    Switch(
        "hourly_delays",
        ("on", "off"),
        "Not an uncertainty: off saves tests the half second and the second per request.",
    ),
    Switch(
        "over_hourly_limit",
        ("429", "500"),
        "Clients expect 429 with Retry-After beyond the hourly threshold; the response is unknown.",
    ),
    Switch(
        "same_day_adjustment",
        ("refused", "added"),
        "One live sync received the duplicate-period error for a second adjustment on one day.",
    ),
    Switch(
        "second_service_by_post",
        ("refused", "accepted"),
        "A contract may have a service twice; whether a plain POST adds it is unknown.",
    ),
    Switch(
        "ambiguous_service",
        ("first", "refused"),
        "With a service twice on a contract, which one contractID and serviceID mean is unknown.",
    ),
    Switch(
        "units_below_zero",
        ("refused", "accepted"),
        "Units below zero were never observed; an error is expected.",
    ),
    Switch(
        "units_before_first_adjustment",
        ("zero", "none"),
        'A new contract service "has no units": rows of 0 or no rows at all, which is unknown.',
    ),
    Switch(
        "unit_rows_ahead",
        ("to_contract_end", "job_is_late"),
        "Rows exist to the contract's end, or a job writes them ahead and may run late.",
    ),
    Switch(
        "adjustment_price",
        ("moves", "ignored"),
        "One live sync changes prices by adjustments; a digest of 2019 excludes that.",
    ),
    Switch(
        "adjusted_price_on_create",
        ("ignored", "honoured"),
        "A live sync sends adjustedPrice with a contract service, which has no such field.",
    ),
    Switch(
        "contract_service_cost",
        ("writable", "fixed"),
        "Metadata allows writes to unitCost of a contract service, help pages do not mention it.",
    ),
    Switch(
        "adjustment_answer",
        ("null", "id"),
        "itemId is null after an adjustment in one live sync; other sources do not show it.",
    ),
    Switch(
        "modification_times",
        ("every_edit", "own_fields", "create_only"),
        "Whether imports, workflow rules and edits of user-defined fields move them is unknown.",
    ),
)

_BY_NAME = {switch.name: switch for switch in ALL}


class Switches(Struct, frozen=True):
    """The chosen values; a switch that is not chosen has its default."""

    chosen: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        for name, value in self.chosen.items():
            check(name, value)

    def __getitem__(self, name: str) -> str:
        return self.chosen.get(name, _BY_NAME[name].choices[0])

    def replaced(self, chosen: Mapping[str, str]) -> "Switches":
        """Returns these switches with other choices on top. Raises `SandboxError`."""
        return Switches({**self.chosen, **chosen})


def check(name: str, value: str) -> None:
    """Raises `SandboxError` unless there is such a switch with such a value."""
    switch = _BY_NAME.get(name)
    if switch is None:
        known = ", ".join(sorted(_BY_NAME))
        raise SandboxError(f"there is no switch {name!r}; there are {known}")
    if value not in switch.choices:
        choices = " or ".join(switch.choices)
        raise SandboxError(f"switch {name} takes {choices}, not {value!r}")
