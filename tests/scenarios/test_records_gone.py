"""Contract services that are gone from Autotask while successions refer to them."""

import pytest

from tests.scenarios.expected import assert_sums
from tests.scenarios.test_chained_halves import renewed_again
from tests.scenarios.test_succession import succession_between_contracts
from tests.scenarios.test_succession_later import without


@pytest.mark.parametrize("row_is_gone", [False, True])
@pytest.mark.parametrize("gone", ["old", "new"])
def test_a_plan_can_be_made_when_a_service_of_a_succession_is_gone(tmp_path, gone, row_is_gone):
    world = succession_between_contracts(tmp_path)
    world.sync()
    renewed_again(world, contract="con-3")
    world.delete("ContractServices", world._service(world.all_records(), gone))
    if row_is_gone:
        without(world, "subscription", gone)
    assert_sums(world.plan())
