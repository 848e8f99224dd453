"""How findings are counted in a sentence."""

import pytest
from trueup.render.finding_text import found_text


@pytest.mark.parametrize(
    ("errors", "warnings", "text"),
    [
        (0, 0, "All is well."),
        (2, 0, "2 problems found."),
        (0, 1, "1 warning found."),
        (1, 3, "1 problem and 3 warnings found."),
    ],
)
def test_problems_and_warnings_are_counted(errors, warnings, text):
    assert found_text(errors, warnings) == text
