"""What people did to the state by hand, and whose lock was taken: who, when and why."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from engine.render.harmless import clean
from engine.render.layout import Cell, Line, free
from engine.render.style import PLAIN, Style
from engine.render.text import page
from engine.state.journal import AuditLine, Kind

HEADING = "By hand"


def by_hand_lines(lines: Sequence[AuditLine], zone: tzinfo, style: Style = PLAIN) -> list[Line]:
    """Under a heading, the latest last; nothing where nothing was done."""
    found = [Line(tuple(Cell(clean(text)) for text in _cells(line, zone)), "by hand", 2) for line in lines]
    return [free(HEADING, style.heading), *found] if found else []


def _cells(line: AuditLine, zone: tzinfo) -> tuple[str, ...]:
    said = _told(line)
    reason = f"because: {said['reason']}" if said["reason"] else ""
    return _moment(line, zone), f"{said['who']} on {said['host']}", said["what"], reason


def by_hand_text(lines: Sequence[AuditLine], zone: tzinfo, style: Style = PLAIN) -> str:
    """The same by itself."""
    return page([found]) if (found := by_hand_lines(lines, zone, style)) else ""


def by_hand_json(lines: Sequence[AuditLine], zone: tzinfo) -> list[Mapping[str, object]]:
    """The same for programs."""
    return [{**_told(line), "at": _moment(line, zone), "run": line.run} for line in lines]


def of_row(lines: Sequence[AuditLine], mapping: str, key: str) -> list[AuditLine]:
    """Those that are about one row: that its link was forgotten, or what became of a change of it."""
    begun = (f"forget {mapping} {key}", f"settle {mapping}:{key}")
    ends = tuple(f"{one}{end}" for one in begun for end in (" ", ", ", ":"))
    return [line for line in lines if f"{_told(line)['what']} ".startswith(ends)]


def forgotten(lines: Sequence[AuditLine], mapping: str) -> list[str]:
    """Keys of the rows of a mapping that were forgotten."""
    begun = f"forget {mapping} "
    said = [str(_told(line)["what"]) for line in lines]
    return [what.removeprefix(begun).split(", ")[0] for what in said if what.startswith(begun)]


def _moment(line: AuditLine, zone: tzinfo) -> str:
    return line.at.astimezone(zone).isoformat(" ", "seconds")


def _told(line: AuditLine) -> Mapping[str, Any]:
    data = line.data
    if line.kind != Kind.LOCK:
        return {name: data.get(name, "") for name in ("what", "reason", "who", "host")}
    by, before = data["by"], data["from"]
    held = f"the lock of {before['holder']} on {before['host']}"
    forced = data["how"] == "forced"
    what = f"took {held} by force" if forced else f"took over {held}"
    reason = data["reason"] if forced else "that run had ended without giving it back"
    return {"what": what, "reason": reason, "who": by["holder"], "host": by["host"]}
