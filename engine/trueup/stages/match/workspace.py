"""The data that the steps of matching share: links, placed rows, findings."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import islice
from operator import eq

from trueup.model.finding import Advice, Finding, Place, Severity
from trueup.model.mapping_state import MappingState
from trueup.stages.match.advice import MatchAdvice
from trueup.stages.match.candidates import RecordIndex
from trueup.stages.match.result import MatchInputs, MatchResult
from trueup.stages.match.twins import shown_record

Placement = tuple[int, str]
"""A record, and how the row came to it."""


class RowsByRecord:
    """The links of the mapping, by record."""

    def __init__(self, links: Mapping[str, int]) -> None:
        self._links = links
        self._records = sorted(links.values())  # takes a fifth of the memory of a set
        is_shared = any(map(eq, self._records, islice(self._records, 1, None)))
        self.shared = self._shared() if is_shared else {}

    def _shared(self) -> dict[int, list[str]]:
        """Records that more than one row is linked to."""
        rows: dict[int, list[str]] = {}
        for key, record in self._links.items():
            rows.setdefault(record, []).append(key)
        return {record: keys for record, keys in rows.items() if len(keys) > 1}

    @cached_property
    def owner(self) -> dict[int, str]:
        """Record → the row that is linked to it; built only if a row claims such a record."""
        return {record: key for key, record in self._links.items()}

    def rows_of(self, record: int) -> list[str]:
        """The rows that are linked to the record."""
        position = bisect_left(self._records, record)
        if self._records[position : position + 1] != [record]:
            return []
        return self.shared.get(record) or [self.owner[record]]


class Workspace:
    """Which record each row has so far, and the findings about the others."""

    def __init__(self, state: MappingState, inputs: MatchInputs) -> None:
        self.state, self.inputs, self.mapping = state, inputs, state.mapping
        self.result = MatchResult()
        self.links = RowsByRecord(inputs.links)
        self.advice = MatchAdvice(state, inputs)
        self.placed: dict[str, Placement] = {}
        self.claimed: set[int] = set()  # records that this plan gives to a row
        self.warnings: list[Finding] = []  # on rows whose record others claim
        self._indexes: dict[tuple[str, ...], RecordIndex] = {}

    def is_open(self, key: str) -> bool:
        """Whether the row is ready, and matching has no finding that stops it."""
        closed = key in self.result.blocked or key in self.result.skipped
        return key in self.state.ready and not closed

    def is_free(self, record: int) -> bool:
        """Whether no row has the record, or only one that is gone from its table.

        The row that is gone is no rival, but rows that claim its record need the warning.
        """
        taken = any(self.state.has(key) for key in self.links.rows_of(record))
        return record not in self.claimed and not taken

    def index(self, names: tuple[str, ...]) -> RecordIndex:
        """Returns the records of the mapping by the values of these fields."""
        if names not in self._indexes:
            self._indexes[names] = RecordIndex(self.state.records, names)
        return self._indexes[names]

    def forget_indexes(self) -> None:
        """Drops the indexes: one of a million records takes 16 MB. It is made again if needed."""
        self._indexes.clear()

    def shown(self, record: int) -> str:
        """Returns the display text of a record."""
        return shown_record(self.state, record)

    # Findings

    def block(self, key: str, code: str, text: str, remedy: Advice, place: Place) -> None:
        """Blocks the row."""
        finding = self.finding(code, Severity.ERROR, text, remedy, place, key)
        self.result.blocked.setdefault(key, []).append(finding)

    def skip(self, key: str, code: str, text: str, place: Place) -> None:
        """Leaves the row out on purpose."""
        finding = self.finding(code, Severity.SKIP, text, Advice(), place, key)
        self.result.skipped[key] = finding

    def ask(
        self, key: str, text: str, records: Sequence[int], remedy: Advice | None = None
    ) -> None:
        """Holds the row until a person decides which record it is, if any."""
        remedy = remedy or self.advice.link_or_create(key, records)
        place = self.mapping.create.place
        finding = self.finding("needs-decision", Severity.HOLD, text, remedy, place, key)
        self.result.blocked.setdefault(key, []).append(finding)

    def finding(
        self, code: str, severity: Severity, text: str, remedy: Advice, place: Place, key: str
    ) -> Finding:
        """A finding about a row."""
        return Finding(
            code,
            severity,
            text,
            remedy.text,
            place,
            self.mapping.name,
            key,
            commands=remedy.commands,
        )
