"""Use cases: what every front (command line, Python callers) calls.

Each function opens what it needs, does one thing and returns typed results; none of them prints.
"""

from trueup.operations.apply import apply, current_user, plan_and_apply, resume
from trueup.operations.decide import Written, decide, link, push, succeed
from trueup.operations.discover import Discovered, discover
from trueup.operations.doctor import Examination, examine
from trueup.operations.history import history, show_run, show_runs, verify_journal
from trueup.operations.listener import SILENT, Listener, Progress
from trueup.operations.plan import plan, undo
from trueup.operations.project import check_project, create_project, find_project, load_project
from trueup.operations.rehearse import Rehearsal, rehearse
from trueup.pipeline import ApplyOptions, PlanOptions
from trueup.stages.guard import LIMIT_KINDS

__all__ = [
    "LIMIT_KINDS",
    "SILENT",
    "ApplyOptions",
    "Discovered",
    "Examination",
    "Listener",
    "PlanOptions",
    "Progress",
    "Rehearsal",
    "Written",
    "apply",
    "check_project",
    "create_project",
    "current_user",
    "decide",
    "discover",
    "examine",
    "find_project",
    "history",
    "link",
    "load_project",
    "plan",
    "plan_and_apply",
    "push",
    "rehearse",
    "resume",
    "show_run",
    "show_runs",
    "succeed",
    "undo",
    "verify_journal",
]
