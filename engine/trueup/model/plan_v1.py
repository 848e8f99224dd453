"""Translates plan documents of format 1 into the current one.

Format 1 kept some facts only in texts and ids (`undo:`, `:correct:`, `:mark`). This module alone
reads them from there. The state keeps such documents for as long as it keeps its runs.
"""

from collections.abc import Mapping
from typing import Any

FORMAT = 1

_UNDO = "undo:"
_CORRECTION = ":correct:"
_OUTSIDE = "; outside of it: "
_ADJUST, _WRITE_BACK = "adjust", "write back"
_REASONS = {
    "changed in Work 365": "source",
    "mapping changed": "mapping",
    "edited in Autotask, put back": "drift",
    "changed in Work 365 and edited in Autotask": "both",
    "first alignment": "first",
    "undone before, still wanted": "undone",
    "as decided": "decision",
}
_CLASSES = {
    "missing in Autotask": "missing",
    "orphan in Autotask": "orphan",
    "cannot be told": "unknown",
    "held": "match",
}

_SERVICES = ("Services", "ServiceBundles")

Json = dict[str, Any]


def upgrade(document: Mapping[str, Any]) -> Json:
    """Returns the document in the current format.

    Raises KeyError, TypeError or ValueError for a document that is not one of format 1.
    """
    adjusts = {one["id"] for one in document["changes"] if one["action"] == _ADJUST}
    selection, _, outside = document["selection"].partition(_OUTSIDE)
    return {
        **document,
        "changes": [_change(one, adjusts) for one in document["changes"]],
        "findings": [_finding(one) for one in document["findings"]],
        "blocked": [_blocked(one) for one in document["blocked"]],
        "ledger": [_ledger_line(one) for one in document["ledger"]],
        "exceeded": [_exceeded(one) for one in document["exceeded"]],
        "summary": _summary(document["summary"]),
        "selection": f"{selection} ({outside} not shown)" if outside else selection,
        "outside": None,
        "systems": document.get("systems", {}),
        "names": {"source": "the source", "target": "the target"},
    }


def owners(document: Mapping[str, Any]) -> Json:
    """Returns the mappings by which a document is grouped that does not name them.

    Also documents of format 2 did not, before they named them.
    """
    customers = [line["customer_row"][0] for line in document["ledger"] if line["customer_row"]]
    customers += [one["mapping"] for one in document["changes"] if one["entity"] == "Companies"]
    services = {one["mapping"] for one in document["changes"] if one["entity"] in _SERVICES}
    contracts = {one["mapping"] for one in document["changes"] if one["entity"] == "Contracts"}
    return {
        "customer": next(iter(customers), "customer"),
        "services": sorted(services) or ["service", "service_bundle"],
        "contracts": sorted(contracts) or ["contract"],
    }


def _change(change: Mapping[str, Any], adjusts: set[str]) -> Json:
    depth, original = 0, change["id"]
    while original.startswith(_UNDO):
        depth, original = depth + 1, original.removeprefix(_UNDO)
    return {
        **change,
        "fields": [
            {**one, "reason": _REASONS.get(one["reason"], one["reason"])}
            for one in change["fields"]
        ],
        "seen": _preconditions(change["seen"]),
        "under": [],
        "together": [],
        "succeeds": None,
        "invoice": None,
        "lost": None,
        "adjustment": _adjustment(change) if change["action"] == _ADJUST else None,
        "marks_changes": _marks_changes(change, adjusts),
        "undoes": change["id"].removeprefix(_UNDO) if depth else "",
        "undo_depth": depth,
    }


def _preconditions(seen: Mapping[str, Any]) -> Json:
    rows = []
    for name, fingerprint in seen["row"].items():
        table, _, key = name.partition(":")
        rows.append({"table": table, "key": key, "fingerprint": fingerprint})
    rest = {name: value for name, value in seen.items() if name != "row"}
    return {"made_of": {}, "alike": [], **rest, "rows": rows}


def _adjustment(change: Mapping[str, Any]) -> Json:
    """Returns the adjustment: its day is the only day, its service the only unknown value."""
    values = change["values"].values()
    is_correction = _CORRECTION in change["id"]
    unknown = next((value["unknown"] for value in values if _is_marked(value, "unknown")), "")
    return {
        "day": next(value for value in values if _is_marked(value, "day")),
        "row": ["", change["keys"][0] if is_correction else "", change["name"]],
        "correction": _unit_change(change) if is_correction else 0,
        "is_correction": is_correction,
        "service": change["record"],
        "service_change": "" if change["record"] is not None else unknown,
        "decided_on": None,
        "is_transfer": False,
        "terms": dict.fromkeys(("price", "months", "start", "end", "present_end", "posted_until")),
    }


def _unit_change(change: Mapping[str, Any]) -> int:
    before, after = change["units"] or (0, 0)
    return int(after) - int(before)


def _is_marked(value: object, mark: str) -> bool:
    return isinstance(value, dict) and value.keys() == {mark}


def _marks_changes(change: Mapping[str, Any], adjusts: set[str]) -> bool:
    """The mark of a record knows the record, or needs the change that creates it."""
    if change["action"] != _WRITE_BACK:
        return False
    if any(need in adjusts for need in change["needs"]):
        return True
    return change["record"] is None and not change["needs"]


def _finding(finding: Mapping[str, Any]) -> Json:
    return {**finding, "commands": []}


def _blocked(row: Mapping[str, Any]) -> Json:
    return {**row, "findings": [_finding(one) for one in row["findings"]]}


def _ledger_line(line: Mapping[str, Any]) -> Json:
    """Returns the line; format 1 had no held units, so such a line agreed but for its changes."""
    return {
        **line,
        "customer_row": None,
        "under": [],
        "moved": 0,
        "held": [],
        "unexplained": line["difference"],
        "class_": _CLASSES.get(line["class_"], line["class_"]),
        "commands": [],
    }


def _summary(summary: Mapping[str, Any]) -> Json:
    """Figures that format 1 does not have are zero."""
    nothing = {"more": 0, "less": 0}
    amount = {"lines": 0, "units": 0, "monthly": 0, "unpriced": 0}
    sums = ("under", "over", "moved", "held", "unexplained")
    return {
        **summary,
        "run_rate": nothing,
        "invoice": nothing,
        "one_off": nothing,
        "lost": 0,
        "credit": 0,
        "ledger": {**dict.fromkeys(sums, amount), "held_by_reason": [], "unknown": 0},
        "rows_gone": [],
    }


def _exceeded(limit: Mapping[str, Any]) -> Json:
    return {**limit, "kind": limit["limit"].partition(":")[0]}
