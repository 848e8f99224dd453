"""The tools of `trueup mcp`: each reads its arguments, calls an operation, returns an answer.

No tool writes, and no tool applies: only operations that read are imported here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from difflib import unified_diff
from pathlib import Path
from typing import Any

from msgspec import Struct

from trueup.cli.mcp_fence import ToolAnswer
from trueup.config.days import parse_day
from trueup.config.file_names import DECISIONS
from trueup.errors import EngineError
from trueup.model.plan import Blocked, LedgerClass, LedgerLine, Plan
from trueup.model.plan_json import encode
from trueup.model.verdict import DECIDE_WORDS, Verdict
from trueup.operations import explain as explain_operation
from trueup.operations import history as history_operation
from trueup.operations import plan as plan_operation
from trueup.operations.decision_entries import RequestedDecision
from trueup.operations.project import check_project, load_project
from trueup.operations.propose import propose
from trueup.render.explanation import explanation_text
from trueup.render.history import run_text
from trueup.render.moments import in_zone

LIMIT = 20
MOST = 100
DAY = r"^\d{4}-\d{2}-\d{2}$"

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""A line as git counts them, with its end."""

Arguments = Mapping[str, Any]
"""Arguments of a call that fit the schema of the tool."""


class Asking(Struct, frozen=True):
    """The project and plan that the tools answer about."""

    folder: Path
    plan: Plan | None = None  # None: each call makes a new one

    def planned(self) -> Plan:
        """Returns the plan. Raises ConfigError and EngineError as planning does."""
        return self.plan or plan_operation.plan(load_project(self.folder), keep=False)


class Tool(Struct, frozen=True):
    """A tool with its description and arguments."""

    description: str
    properties: Mapping[str, Mapping[str, object]]
    call: Callable[[Asking, Arguments], ToolAnswer]
    required: Sequence[str] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """Returns the JSON Schema of its arguments."""
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": [*self.required],
            "additionalProperties": False,
        }


def plan_summary(asking: Asking, _arguments: Arguments) -> ToolAnswer:
    """Returns the figures of the plan."""
    plan = asking.planned()
    facts = {
        "as_of": str(plan.as_of),
        "currency": plan.currency,
        "source": plan.source,
        "target": plan.target,
        "selection": plan.selection,
        "changes": len(plan.changes),
        "summary": encode(plan.summary),
        "limits_exceeded": encode(plan.exceeded),
        "left_out": [
            {"mapping": one.mapping, "reason": one.reason, "rows": len(one.names)}
            for one in plan.left_out
        ],
        "findings": [finding.as_json() for finding in plan.findings],
    }
    return ToolAnswer("Figures of the plan. Money is in the plan's currency.", facts)


def ledger(asking: Asking, arguments: Arguments) -> ToolAnswer:
    """Returns lines of the ledger; `class` and `customer` select some."""
    plan = asking.planned()
    class_, customer = arguments.get("class"), arguments.get("customer", "").casefold()
    lines = [
        line
        for line in plan.ledger
        if class_ in (None, line.class_) and customer in line.customer.casefold()
    ]
    facts = {"as_of": str(plan.as_of), "currency": plan.currency}
    title = "Lines of the ledger: units and money a month, now billed against to be billed."
    return _page(title, facts, lines, arguments, _line)


def blocked_rows(asking: Asking, arguments: Arguments) -> ToolAnswer:
    """Returns the rows that the plan leaves alone."""
    plan, mapping = asking.planned(), arguments.get("mapping")
    rows = [row for row in plan.blocked if mapping in (None, row.mapping)]
    title = "Rows that the plan leaves alone. Without because_of, a row is at fault itself."
    return _page(title, {"as_of": str(plan.as_of)}, rows, arguments, _blocked)


def _line(line: LedgerLine) -> Mapping[str, object]:
    left_out = {"under", "commands", "customer_row", "class_"}
    found = {name: value for name, value in encode(line).items() if name not in left_out}
    return {**found, "class": str(line.class_), "day": str(line.day)}


def _blocked(row: Blocked) -> Mapping[str, object]:
    return {
        "mapping": row.mapping,
        "key": row.key,
        "name": row.name,
        "because_of": [ref._asdict() for ref in row.because],
        "holds_back": dict(row.holds_back),
        "findings": [finding.as_json() for finding in row.findings],
    }


def explain(asking: Asking, arguments: Arguments) -> ToolAnswer:
    """Returns the parts of something in the plan, with places."""
    project = load_project(asking.folder)
    found = explain_operation.explain(project, arguments["what"], asking.plan)
    facts = {"what": found.what, "as_of": str(found.as_of), "currency": found.currency}
    text = explanation_text(found, verbose=bool(arguments.get("verbose")))
    return _page("An explanation, as lines of text.", facts, _lines(text), arguments)


def history(asking: Asking, arguments: Arguments) -> ToolAnswer:
    """Returns the runs, or one run in full."""
    project = load_project(asking.folder)
    if run := arguments.get("run"):
        shown = history_operation.show_run(project, run)
        text = run_text(shown, project.zone)
        return _page("One run, as lines of text.", {"run": run}, _lines(text), arguments)
    overview = history_operation.history(project)
    runs = [
        {
            "run": one.id,
            "status": str(one.status),
            "who": one.who,
            "started": in_zone(one.started, project.zone),
            "ended": in_zone(one.ended, project.zone) if one.ended else None,
            "undo_of": one.undo_of,
            "undone_by": [by.run.id for by in overview.undone.get(one.id, ())],
        }
        for one in overview.runs
    ]
    facts = {"manual_edits": len(overview.audit)}
    return _page("Runs, the oldest first.", facts, runs, arguments)


def validate(asking: Asking, arguments: Arguments) -> ToolAnswer:
    """Returns the findings about the project's files."""
    project, findings = check_project(asking.folder)
    facts = {"usable": project is not None}
    found = [finding.as_json() for finding in findings]
    return _page("Findings about the project's files, with places.", facts, found, arguments)


def draft_decision(asking: Asking, arguments: Arguments) -> ToolAnswer:
    """Returns a decision as a patch; nothing is written."""
    word = arguments["decision"]
    requested = RequestedDecision(
        arguments["mapping"],
        arguments["key"],
        Verdict(word),
        arguments.get("reason", ""),
        record=arguments.get("record"),
        until=_day(arguments, "until"),
        on=_day(arguments, "on"),
        of=arguments.get("of", ""),
    )
    proposal = propose(load_project(asking.folder), [requested], preview=False)
    (ready,) = proposal.ready
    facts = {
        "mapping": requested.mapping,
        "key": ready.key,
        "name": ready.name,
        "decision": word,
        "replaces_older": proposal.written[0].replaced,
        "place": str(proposal.written[0].place),
        "notes": list(ready.notes),
    }
    title = (
        "A draft: nothing is written. A person reviews the patch, applies it with `git apply` in "
        "the project's folder, and then runs `trueup plan`."
    )
    patch = _patch(proposal.old.decode(), proposal.new.decode())
    return ToolAnswer(title, facts, patch=patch)


def _day(arguments: Arguments, name: str) -> date | None:
    """Returns the day in an argument. Raises EngineError for an invalid date."""
    text = arguments.get(name)
    if text is None:
        return None
    day = parse_day(text)
    if day is None:
        raise EngineError(f"{name} is {text!r}: there is no such day; write 2026-11-15")
    return day


def _patch(old: str, new: str) -> str:
    """Returns a unified diff that `git apply` accepts."""
    before, after = (_LINE.findall(text) for text in (old, new))
    lines = unified_diff(before, after, f"a/{DECISIONS}" if old else "/dev/null", f"b/{DECISIONS}")
    end = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + end for line in lines)


def _lines(text: str) -> Sequence[str]:
    return text.rstrip("\n").split("\n")


def _page(
    title: str,
    facts: Mapping[str, object],
    entries: Sequence[object],
    arguments: Arguments,
    show: Callable[[Any], object] = encode,
) -> ToolAnswer:
    offset, limit = arguments.get("offset", 0), arguments.get("limit", LIMIT)
    return ToolAnswer(title, facts, entries, offset, limit, show)


def _text(description: str, longest: int = 300) -> Mapping[str, object]:
    return {"type": "string", "minLength": 1, "maxLength": longest, "description": description}


_PAGES: Mapping[str, Mapping[str, object]] = {
    "offset": {"type": "integer", "minimum": 0, "description": "Entries to skip; default 0."},
    "limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": MOST,
        "description": f"Entries at most; default {LIMIT}.",
    },
}

TOOLS: Mapping[str, Tool] = {
    "plan_summary": Tool(
        "Figures of the plan: changes by action, money, totals of the ledger, limits, findings.",
        {},
        plan_summary,
    ),
    "ledger": Tool(
        "What the target bills against what should be billed, one line for each row: units, "
        "price, difference, money a month, and why.",
        {
            "class": {"type": "string", "enum": [str(one) for one in LedgerClass]},
            "customer": _text("A part of the customer's name."),
            **_PAGES,
        },
        ledger,
    ),
    "blocked_rows": Tool(
        "Rows that the plan leaves alone: findings with place and remedy, the row at fault, and "
        "how many rows it holds back.",
        {"mapping": _text("Only rows of this mapping."), **_PAGES},
        blocked_rows,
    ),
    "explain": Tool(
        "What a row (MAPPING:KEY or its name), a field (MAPPING:KEY.FIELD), a change (its id), a "
        "ledger line (ledger:KEY) or a total ('billed too little') is made of, with files and "
        "lines.",
        {
            "what": _text("What to explain."),
            "verbose": {"type": "boolean", "description": "Everything in full."},
            **_PAGES,
        },
        explain,
        ("what",),
    ),
    "history": Tool(
        "The runs that were applied, or one run in full.",
        {"run": _text("The id of a run, or a unique start of it."), **_PAGES},
        history,
    ),
    "validate": Tool(
        "Findings about the project's files, each with place and remedy.",
        dict(_PAGES),
        validate,
    ),
    "draft_decision": Tool(
        "Drafts a decision about a row as a patch of mappings/decisions.yaml. Writes nothing.",
        {
            "mapping": _text("The mapping of the row."),
            "key": _text("The row's key, a unique start of it, or its name."),
            "decision": {"type": "string", "enum": [*DECIDE_WORDS, str(Verdict.LINK)]},
            "reason": _text("Why. Only link may go without."),
            "record": {"type": "integer", "minimum": 1, "description": "For link: the record."},
            "of": _text("For succeed: the row whose place it takes."),
            "on": {"type": "string", "pattern": DAY, "description": "For push: the first day."},
            "until": {"type": "string", "pattern": DAY, "description": "The last day it holds."},
        },
        draft_decision,
        ("mapping", "key", "decision"),
    ),
}
"""The tools by name."""
