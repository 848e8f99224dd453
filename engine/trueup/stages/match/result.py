"""The input and the result of matching."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from trueup.model.catalogue import UNNAMED, SystemNames
from trueup.model.decision import Decision
from trueup.model.finding import Finding
from trueup.model.mapping import FieldSpec
from trueup.model.mapping_state import MappingState

BY_DECISION = "decision"
BY_IDENTITY = "identity"
BY_KEYS = "match"
BY_SUCCESSION = "succession"
"""How a row was linked, as links and plans keep it."""

FieldValues = Callable[[str, Mapping[str, FieldSpec]], "Mapping[str, Any] | None"]
"""The values of some fields for a row, by key; None if one of them cannot be evaluated."""


class MatchInputs(Struct, frozen=True):
    """The input of matching, besides the state of the mapping."""

    links: Mapping[str, int]  # of this mapping: key → record
    decisions: Mapping[str, Decision]  # of this mapping, by key
    as_of: date
    names: Callable[[str], dict[str, Any]]  # names for expressions, by key
    label: Callable[[str], str]  # the display name of a row
    values: FieldValues
    in_doubt: frozenset[str] = frozenset()
    """Rows with a write of unknown outcome: they stay as they are."""

    handed_over: Mapping[str, int] = {}
    """Rows that take the record of another one, which is left out and none of `links`."""

    placeholders: Collection[str] = ()
    """Values that stand for none in this project, besides the usual ones."""

    systems: SystemNames = UNNAMED


class MatchResult(Struct):
    """Which row is which record, and the findings about the others."""

    record_ids: dict[str, int] = {}  # every key that is a record
    referable: dict[str, int] = {}  # of rows that are ready
    how: dict[str, str] = {}  # keys linked by this plan → how
    create: list[str] = []
    blocked: dict[str, list[Finding]] = {}
    skipped: dict[str, Finding] = {}
    findings: list[Finding] = []  # warnings
    unknown: dict[str, str] = {}
    """Rows without a record of their own that may be one anyway, and why."""

    def apply_to(self, state: MappingState) -> None:
        """Moves the result into the state of the mapping, without copying per-row entries."""
        if state.record_ids:
            state.record_ids.update(self.record_ids)
        else:
            state.record_ids = self.record_ids
        self.record_ids = {}
        state.referable.update(self.referable)
        self.referable.clear()
        state.unknown_records.update(self.unknown)
        state.findings += self.findings
        for key, finding in self.skipped.items():
            state.skip(key, finding)
        for key, findings in self.blocked.items():
            for finding in findings:
                state.block(key, finding)
