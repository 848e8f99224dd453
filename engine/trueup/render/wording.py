"""Texts for the codes in plans, with the display names of the systems."""

from typing import assert_never

from trueup.model.catalogue import SystemNames
from trueup.model.change import FieldChange, Reason
from trueup.model.plan import LedgerClass

_REASONS = {
    Reason.SOURCE: "changed in {source}",
    Reason.MAPPING: "mapping changed",
    Reason.RELATED: "related data, day or mapping changed",
    Reason.DRIFT: "edited in {target}, put back",
    Reason.BOTH: "changed in {source} and edited in {target}",
    Reason.FIRST: "first alignment",
    Reason.NEW: "new",
    Reason.UNDO: "undo",
    Reason.UNDONE: "undone before, still wanted",
    Reason.DECISION: "as decided",
}


def reason_text(reason: Reason, names: SystemNames) -> str:
    """Why a field differs."""
    return _REASONS[reason].format(source=names.source, target=names.target)


def why_changed(field: FieldChange, names: SystemNames) -> str:
    """Returns why a field differs; "" for a new record."""
    return "" if field.reason is Reason.NEW else reason_text(field.reason, names)


def class_text(class_: LedgerClass, names: SystemNames) -> str:
    """Returns how the billed units compare with the units that should be billed."""
    match class_:
        case LedgerClass.MATCH | LedgerClass.UNDER_BILLED | LedgerClass.OVER_BILLED:
            return str(class_)
        case LedgerClass.MISSING:
            return f"missing in {names.target}"
        case LedgerClass.ORPHAN:
            return f"orphan in {names.target}"
        case LedgerClass.UNKNOWN:
            return "not known"
        case _:
            assert_never(class_)


def stays_text(names: SystemNames) -> str:
    """Returns what an undo does about a change that is appended."""
    return f"stays in {names.target}; an undo adds an opposing adjustment"
