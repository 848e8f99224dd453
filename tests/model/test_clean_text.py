"""Text of other systems is cleaned."""

from hypothesis import given
from hypothesis import strategies as st
from trueup.model.clean_text import clean_text


@given(st.text(alphabet=st.characters()))
def test_cleaned_text_has_no_control_characters_and_cleaning_it_again_changes_nothing(text: str):
    cleaned = clean_text(text)

    assert clean_text(cleaned) == cleaned
    assert all(letter in "\n\t" or ord(letter) >= 0x20 for letter in cleaned)
    assert not any(0x7F <= ord(letter) <= 0x9F for letter in cleaned)
    cleaned.encode()
