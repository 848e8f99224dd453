"""Types of options: a number is written as settings have it."""

import click
import pytest
from trueup.cli.parameters import AMOUNT, SECONDS, NumberInRange, WholeNumber


@pytest.mark.parametrize("kind", [AMOUNT, SECONDS, NumberInRange(2, 3600), WholeNumber(1, 5000)])
@pytest.mark.parametrize("text", ["1_000", "٥٠", "1e3", "+5", " 5", "five", "inf", "nan", ""])
def test_a_number_is_written_in_plain_digits(kind, text):
    assert kind.convert("50", None, None) == 50

    with pytest.raises(click.BadParameter, match="is no "):
        kind.convert(text, None, None)


def test_a_whole_number_is_in_its_range():
    with pytest.raises(click.BadParameter, match="is not in the range"):
        WholeNumber(1, 64).convert("65", None, None)
    with pytest.raises(click.BadParameter, match="is not in the range"):
        WholeNumber(1, 64).convert("-1", None, None)
