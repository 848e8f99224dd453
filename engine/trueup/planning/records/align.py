"""The turn of a mapping whose records can be read: match, diff, and everything that blocks a row.

Each step is a module of this folder; `align` names them in order.
"""

from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.records.changes import plan_changes
from trueup.planning.records.circles import leave_circles
from trueup.planning.records.dependencies import add_needs
from trueup.planning.records.duplicates import block_duplicates
from trueup.planning.records.evaluation import evaluate_rows
from trueup.planning.records.former import find_former_records
from trueup.planning.records.handovers import note_handovers
from trueup.planning.records.identity_conflicts import block_identity_conflicts
from trueup.planning.records.ignored import leave_out_ignored
from trueup.planning.records.inactive import hold_inactive
from trueup.planning.records.kept_out import keep_decided_links
from trueup.planning.records.matching import match_rows, read_records
from trueup.planning.records.missing import handle_missing
from trueup.planning.records.presence import find_presence
from trueup.planning.records.rules import apply_record_rules
from trueup.planning.records.shared_records import block_shared_records
from trueup.planning.records.succession import find_successions
from trueup.planning.rights import hold_denied


def align(context: PlanContext, mapping: MappingSpec) -> None:
    """Adds the mapping's state with its changes to the plan."""
    evaluate_rows(context, mapping)  # rules and fields
    leave_out_ignored(context, mapping)
    read_records(context, mapping)
    successions = find_successions(context, mapping)
    matched = match_rows(context, mapping, successions)
    block_duplicates(context, mapping)
    activate = hold_inactive(context, mapping)
    leave_circles(context, mapping)
    plan_changes(context, mapping, matched, activate)  # diff
    note_handovers(context, mapping, successions)
    block_identity_conflicts(context, mapping)
    block_shared_records(context, mapping)
    hold_denied(context, mapping)
    apply_record_rules(context, mapping)
    keep_decided_links(context, mapping, matched)
    handle_missing(context, mapping)
    find_presence(context, mapping)
    find_former_records(context, mapping)
    add_needs(context, mapping)
