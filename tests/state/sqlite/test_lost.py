"""A lost state file is an empty state, unless a run was open."""

import pytest
from trueup.errors import StateError
from trueup.model.run import Run, RunStatus

from tests.state.stores import NOON


@pytest.fixture
def begun(state):
    """A store with its lease and a run that has just begun."""
    lease = state.acquire("apply (ann)")
    run = Run("r1", "d1g3st", '{"plan": 1}', "ann", "host-1", NOON)
    state.begin(run, lease)
    return state, lease, run


def test_a_lost_state_without_an_open_run_is_an_empty_state(opened, path, begun):
    state, lease, run = begun
    state.finish(lease, run.id, RunStatus.DONE, run.started)
    state.close()
    path.unlink()

    assert opened().load().links == {}


@pytest.mark.parametrize("status", [None, RunStatus.INTERRUPTED])
def test_a_lost_state_with_an_open_run_is_refused_with_what_to_do(opened, path, begun, status):
    state, lease, run = begun
    if status:
        state.finish(lease, run.id, status, run.started)
    state.close()
    path.unlink()

    with pytest.raises(
        StateError, match=rf"is gone, and run {run.id} .* was open.*remove .*\.open"
    ):
        opened().load()
