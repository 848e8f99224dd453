"""Decides which row is which record: by decision, link, identity, then match keys.

It never guesses. Two candidates are a finding that shows both; a record that two rows claim is a
finding on both. A record that a decision, a link or an identity gives to one row is no candidate
for the match keys of another.

`match` is the whole stage. It reads the state of the mapping and returns a `MatchResult`; the
caller puts the result into the state. `matcher` has the steps in their order: `placing`, `claims`,
`creating`, on a `workspace` that they share. `candidates` finds records by value, `evidence` weighs
them, `advice` has the remedies.
"""

from trueup.stages.match.candidates import RecordIndex
from trueup.stages.match.creating import NEVER_CREATED
from trueup.stages.match.evidence import MatchEvidence
from trueup.stages.match.matcher import match
from trueup.stages.match.placing import IGNORED, ignored_text
from trueup.stages.match.result import (
    BY_DECISION,
    BY_IDENTITY,
    BY_SUCCESSION,
    MatchInputs,
    MatchResult,
)

__all__ = [
    "BY_DECISION",
    "BY_IDENTITY",
    "BY_SUCCESSION",
    "IGNORED",
    "NEVER_CREATED",
    "MatchEvidence",
    "MatchInputs",
    "MatchResult",
    "RecordIndex",
    "ignored_text",
    "match",
]
