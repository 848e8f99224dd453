"""Brings what Autotask bills in line with what Work 365 says should be billed.

The functions here do what the commands do, with the same objects:

    import trueup

    project = trueup.load_project("customers/north")
    plan = trueup.plan(project)
    outcome = trueup.apply(project, plan, trueup.ApplyOptions(who="night run"))

All errors that are raised on purpose are EngineErrors. To read the engine, start at pipeline.py.
"""

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
from trueup.model.finding import Finding, Place, Severity
from trueup.model.history import RunHistory, RunsOverview
from trueup.model.outcome import ChangeOutcome, ChangeStatus, Outcome
from trueup.model.plan import Action, Blocked, Change, LedgerLine, Plan, Summary
from trueup.model.project import Project, Verdict
from trueup.operations import (
    ApplyOptions,
    Listener,
    PlanOptions,
    Progress,
    Written,
    apply,
    check_project,
    decide,
    history,
    link,
    load_project,
    plan,
    resume,
    show_run,
    undo,
)

__all__ = [
    "Action",
    "ApplyOptions",
    "Blocked",
    "Change",
    "ChangeOutcome",
    "ChangeStatus",
    "ConfigError",
    "EngineError",
    "Finding",
    "LedgerLine",
    "Listener",
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
    "Written",
    "apply",
    "check_project",
    "decide",
    "history",
    "link",
    "load_project",
    "plan",
    "resume",
    "show_run",
    "undo",
]
