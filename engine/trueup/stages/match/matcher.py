"""Matches the rows that no link places: each step handles all rows before the next one."""

from trueup.model.mapping_state import MappingState
from trueup.stages.match.claims import Claims
from trueup.stages.match.creating import Creating
from trueup.stages.match.placing import Placing
from trueup.stages.match.result import MatchInputs, MatchResult
from trueup.stages.match.workspace import Workspace


def match(state: MappingState, inputs: MatchInputs) -> MatchResult:
    """Returns which of the mapping's ready rows is which record; does not change `state`."""
    work = Workspace(state, inputs)
    records, links, shared, result = state.records, inputs.links, work.links.shared, work.result
    result.record_ids.update(links)

    # Nearly all rows of a running project are linked: they take this short way.
    unplaced: list[str] = []
    for key in state.ready:
        record = links.get(key)
        if record is None or record not in records or key in inputs.decisions or record in shared:
            unplaced.append(key)
        else:
            result.referable[key] = record

    claims = Claims(work)
    placing = Placing(work, claims)
    placing.run(unplaced)
    claims.settle()
    for key, (record, how) in work.placed.items():
        result.record_ids[key] = record
        if links.get(key) != record:
            result.how[key] = how
    Creating(work, placing.identities, placing.doubtful).run(unplaced)
    result.findings += [one for one in work.warnings if one.key not in result.blocked]

    for key in unplaced:
        if work.is_open(key) and key in result.record_ids:
            result.referable[key] = result.record_ids[key]
    return result
