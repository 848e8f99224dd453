"""The example of each filter gives the result that the reference shows."""

import pytest
from trueup.expressions import FILTERS, evaluate
from trueup.expressions.filter_reference import EXAMPLES
from trueup.render.values import literal


def test_every_filter_has_an_example():
    assert sorted(EXAMPLES) == sorted(FILTERS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gives_the_result_that_is_shown(name):
    example, result = EXAMPLES[name]
    assert f"| {name}" in example

    assert literal(evaluate(f"{{{{ {example} }}}}", {})) == result
