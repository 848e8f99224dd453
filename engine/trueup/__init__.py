"""Brings what Autotask bills in line with what Work 365 says should be billed.

The functions here do what commands do, with the same objects:

    import trueup

    project = trueup.load_project("customers/north")
    plan = trueup.plan(project)
    outcome = trueup.apply(project, plan, trueup.ApplyOptions(who="night run"))

All errors that are raised on purpose are EngineErrors. To read the engine, start at pipeline.py.
Each name is imported on first use, because `trueup --help` needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trueup.errors import (
        ApprovalMissing,
        ConfigError,
        EngineError,
        PlanRefused,
        RunLeftOpen,
        SourceError,
        StalePlan,
        StateError,
        StateLocked,
        TargetError,
    )
    from trueup.model.audit import AuditEntry
    from trueup.model.catalogue import SystemNames
    from trueup.model.change import (
        Action,
        Adjustment,
        Change,
        FieldChange,
        InvoiceEffect,
        MadeRecord,
        Preconditions,
        Reason,
        RowRef,
        ServiceTerms,
    )
    from trueup.model.comparison import ChangePair, Comparison, FieldPair, LedgerPair, LeftOutRows
    from trueup.model.evaluation import Evaluation, NamedValue, SourceRow
    from trueup.model.explanation import Explanation
    from trueup.model.finding import Command, Finding, Place, Severity
    from trueup.model.history import RunHistory, RunsOverview, UndoneBy
    from trueup.model.outcome import CallsNeeded, ChangeOutcome, ChangeStatus, Outcome
    from trueup.model.overlay import Overlay
    from trueup.model.plan import (
        Amount,
        Blocked,
        GoneRows,
        GuardExceeded,
        HeldTotal,
        HeldUnits,
        LedgerClass,
        LedgerLine,
        LedgerTotals,
        LeftOut,
        Money,
        Outside,
        OwnerMappings,
        PartialRead,
        Plan,
        Summary,
    )
    from trueup.model.project import Project
    from trueup.model.run import Entry, Run, RunStatus, Step
    from trueup.model.verdict import Verdict
    from trueup.operations.apply import apply, resume
    from trueup.operations.compare import compare
    from trueup.operations.decide import WrittenDecision, decide, link, push, succeed
    from trueup.operations.evaluate import evaluate_expression
    from trueup.operations.explain import explain
    from trueup.operations.history import history, show_run
    from trueup.operations.listener import Listener, Progress
    from trueup.operations.plan import plan, undo
    from trueup.operations.project import check_project, load_project
    from trueup.pipeline import ApplyOptions, PlanOptions

__all__ = [
    "Action",
    "Adjustment",
    "Amount",
    "ApplyOptions",
    "ApprovalMissing",
    "AuditEntry",
    "Blocked",
    "CallsNeeded",
    "Change",
    "ChangeOutcome",
    "ChangePair",
    "ChangeStatus",
    "Command",
    "Comparison",
    "ConfigError",
    "EngineError",
    "Entry",
    "Evaluation",
    "Explanation",
    "FieldChange",
    "FieldPair",
    "Finding",
    "GoneRows",
    "GuardExceeded",
    "HeldTotal",
    "HeldUnits",
    "InvoiceEffect",
    "LedgerClass",
    "LedgerLine",
    "LedgerPair",
    "LedgerTotals",
    "LeftOut",
    "LeftOutRows",
    "Listener",
    "MadeRecord",
    "Money",
    "NamedValue",
    "Outcome",
    "Outside",
    "Overlay",
    "OwnerMappings",
    "PartialRead",
    "Place",
    "Plan",
    "PlanOptions",
    "PlanRefused",
    "Preconditions",
    "Progress",
    "Project",
    "Reason",
    "RowRef",
    "Run",
    "RunHistory",
    "RunLeftOpen",
    "RunStatus",
    "RunsOverview",
    "ServiceTerms",
    "Severity",
    "SourceError",
    "SourceRow",
    "StalePlan",
    "StateError",
    "StateLocked",
    "Step",
    "Summary",
    "SystemNames",
    "TargetError",
    "UndoneBy",
    "Verdict",
    "WrittenDecision",
    "apply",
    "check_project",
    "compare",
    "decide",
    "evaluate_expression",
    "explain",
    "history",
    "link",
    "load_project",
    "plan",
    "push",
    "resume",
    "show_run",
    "succeed",
    "undo",
]

_MODULES = {
    "trueup.errors": (
        "ApprovalMissing",
        "ConfigError",
        "EngineError",
        "PlanRefused",
        "RunLeftOpen",
        "SourceError",
        "StalePlan",
        "StateError",
        "StateLocked",
        "TargetError",
    ),
    "trueup.model.audit": ("AuditEntry",),
    "trueup.model.catalogue": ("SystemNames",),
    "trueup.model.change": (
        "Action",
        "Adjustment",
        "Change",
        "FieldChange",
        "InvoiceEffect",
        "MadeRecord",
        "Preconditions",
        "Reason",
        "RowRef",
        "ServiceTerms",
    ),
    "trueup.model.comparison": (
        "ChangePair",
        "Comparison",
        "FieldPair",
        "LedgerPair",
        "LeftOutRows",
    ),
    "trueup.model.evaluation": ("Evaluation", "NamedValue", "SourceRow"),
    "trueup.model.explanation": ("Explanation",),
    "trueup.model.finding": ("Command", "Finding", "Place", "Severity"),
    "trueup.model.history": ("RunHistory", "RunsOverview", "UndoneBy"),
    "trueup.model.outcome": ("CallsNeeded", "ChangeOutcome", "ChangeStatus", "Outcome"),
    "trueup.model.overlay": ("Overlay",),
    "trueup.model.plan": (
        "Amount",
        "Blocked",
        "GoneRows",
        "GuardExceeded",
        "HeldTotal",
        "HeldUnits",
        "LedgerClass",
        "LedgerLine",
        "LedgerTotals",
        "LeftOut",
        "Money",
        "Outside",
        "OwnerMappings",
        "PartialRead",
        "Plan",
        "Summary",
    ),
    "trueup.model.project": ("Project",),
    "trueup.model.run": ("Entry", "Run", "RunStatus", "Step"),
    "trueup.model.verdict": ("Verdict",),
    "trueup.operations.apply": ("apply", "resume"),
    "trueup.operations.compare": ("compare",),
    "trueup.operations.decide": ("WrittenDecision", "decide", "link", "push", "succeed"),
    "trueup.operations.evaluate": ("evaluate_expression",),
    "trueup.operations.explain": ("explain",),
    "trueup.operations.history": ("history", "show_run"),
    "trueup.operations.listener": ("Listener", "Progress"),
    "trueup.operations.plan": ("plan", "undo"),
    "trueup.operations.project": ("check_project", "load_project"),
    "trueup.pipeline": ("ApplyOptions", "PlanOptions"),
}
"""Where each public name is defined; the same as the imports above, which type checkers read."""

_HOMES = {name: module for module, names in _MODULES.items() for name in names}

if not TYPE_CHECKING:  # a type checker would take any name for one of the package

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return [*globals().keys() | {*__all__}]
