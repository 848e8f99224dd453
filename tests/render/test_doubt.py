"""Changes in doubt as text, with what reading shows of them."""

from datetime import UTC

import pytest
from trueup.model.catalogue import UNNAMED
from trueup.model.change import Action, Change
from trueup.model.doubt import Doubt, Trace
from trueup.model.finding import Place
from trueup.render.doubt import doubt_rows

UPDATE = Change(
    id="customer:a",
    action=Action.UPDATE,
    mapping="customer",
    keys=("a",),
    name="Alpine",
    tab="Customers",
    entity="Companies",
    place=Place("mappings/customer.yaml", 1, 1),
    record=5,
)


@pytest.mark.parametrize(
    ("trace", "unclear", "text"),
    [
        (Trace.LANDED, "", "it took effect; resuming the run records it"),
        (Trace.ABSENT, "", "no trace of it; without one it counts as not carried out"),
        (Trace.UNCLEAR, "Companies 5 is gone", "Companies 5 is gone; a person must look"),
    ],
)
def test_what_reading_shows_is_stated_with_the_reason_of_its_own(trace, unclear, text):
    doubt = Doubt("r1", UPDATE, "no answer", {}, trace=trace, unclear=unclear)

    rows = dict(doubt_rows(doubt, UNNAMED, UTC))

    assert rows["Reading now"] == text
