"""What Python callers pass is checked: a text must show something."""

import pytest
from trueup.errors import EngineError
from trueup.model.arguments import is_visible, require_text


@pytest.mark.parametrize("text", ["a", "7", "?", "€", " ñ ", "\u202eא", "\x1b[31mred", "商"])
def test_a_text_with_a_letter_a_digit_or_a_sign_is_visible(text):
    assert is_visible(text)


@pytest.mark.parametrize(
    "text",
    ["", " \u00a0\t\n", "\0\x1b[31m", "\u202e", "\u200b\u200d", "\u0301", "\u3164", "\ue000"],
)
def test_a_text_of_spaces_and_controls_is_not(text):
    assert not is_visible(text)
    with pytest.raises(EngineError, match="reason is empty"):
        require_text("reason", text)
