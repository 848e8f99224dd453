"""Brings what Autotask bills in line with what Work 365 says should be billed.

The functions here do what the commands do, with the same objects:

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
        ConfigError,
        EngineError,
        PlanRefused,
        SourceError,
        StalePlan,
        StateError,
        StateLocked,
        TargetError,
    )
    from trueup.model.change import Action, Change
    from trueup.model.comparison import Comparison
    from trueup.model.evaluation import Evaluation, NamedValue
    from trueup.model.explanation import Explanation
    from trueup.model.finding import Finding, Place, Severity
    from trueup.model.history import RunHistory, RunsOverview
    from trueup.model.outcome import ChangeOutcome, ChangeStatus, Outcome
    from trueup.model.plan import Blocked, LedgerLine, Plan, Summary
    from trueup.model.project import Project
    from trueup.model.verdict import Verdict
    from trueup.operations.apply import apply, resume
    from trueup.operations.compare import compare
    from trueup.operations.decide import WrittenDecision, decide, link
    from trueup.operations.evaluate import evaluate_expression
    from trueup.operations.explain import explain
    from trueup.operations.history import history, show_run
    from trueup.operations.listener import Listener, Progress
    from trueup.operations.plan import plan, undo
    from trueup.operations.project import check_project, load_project
    from trueup.pipeline import ApplyOptions, PlanOptions

__all__ = [
    "Action",
    "ApplyOptions",
    "Blocked",
    "Change",
    "ChangeOutcome",
    "ChangeStatus",
    "Comparison",
    "ConfigError",
    "EngineError",
    "Evaluation",
    "Explanation",
    "Finding",
    "LedgerLine",
    "Listener",
    "NamedValue",
    "Outcome",
    "Place",
    "Plan",
    "PlanOptions",
    "PlanRefused",
    "Progress",
    "Project",
    "RunHistory",
    "RunsOverview",
    "Severity",
    "SourceError",
    "StalePlan",
    "StateError",
    "StateLocked",
    "Summary",
    "TargetError",
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
    "resume",
    "show_run",
    "undo",
]

_MODULES = {
    "trueup.errors": (
        "ConfigError",
        "EngineError",
        "PlanRefused",
        "SourceError",
        "StalePlan",
        "StateError",
        "StateLocked",
        "TargetError",
    ),
    "trueup.model.change": ("Action", "Change"),
    "trueup.model.comparison": ("Comparison",),
    "trueup.model.evaluation": ("Evaluation", "NamedValue"),
    "trueup.model.explanation": ("Explanation",),
    "trueup.model.finding": ("Finding", "Place", "Severity"),
    "trueup.model.history": ("RunHistory", "RunsOverview"),
    "trueup.model.outcome": ("ChangeOutcome", "ChangeStatus", "Outcome"),
    "trueup.model.plan": ("Blocked", "LedgerLine", "Plan", "Summary"),
    "trueup.model.project": ("Project",),
    "trueup.model.verdict": ("Verdict",),
    "trueup.operations.apply": ("apply", "resume"),
    "trueup.operations.compare": ("compare",),
    "trueup.operations.decide": ("WrittenDecision", "decide", "link"),
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
