"""A document after the check against its JSON Schema."""

from typing import Any

from msgspec import Struct

from trueup.config.documents import Document, Steps
from trueup.model.finding import Finding


class CheckedDocument(Struct, frozen=True):
    """A document after its schema check."""

    document: Document
    data: Any
    """What is left of the data; None if nothing is."""

    findings: tuple[Finding, ...]
    removed: frozenset[Steps]
    """The steps to the faulty parts that were removed."""


def is_within(steps: Steps, removed: frozenset[Steps]) -> bool:
    """Returns whether the steps lead into a part that was removed."""
    return any(steps[:length] in removed for length in range(1, len(steps) + 1))
