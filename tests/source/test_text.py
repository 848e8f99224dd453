"""Text is cleaned and shortened, and keys have one spelling."""

from hypothesis import given
from hypothesis import strategies as st
from trueup.source.text import canonical_key, clean_text, shown


@given(st.text(alphabet=st.characters()))
def test_cleaned_text_has_no_control_characters_and_cleaning_it_again_changes_nothing(text: str):
    cleaned = clean_text(text)

    assert clean_text(cleaned) == cleaned
    assert all(letter in "\n\t" or ord(letter) >= 0x20 for letter in cleaned)
    assert not any(0x7F <= ord(letter) <= 0x9F for letter in cleaned)
    cleaned.encode()


@given(st.uuids())
def test_all_spellings_of_a_guid_are_one_key(guid: object):
    text = str(guid)

    assert {
        canonical_key(text),
        canonical_key(text.upper()),
        canonical_key(f"{{{text}}}"),
        canonical_key(f" {text} "),
    } == {text}


def test_only_the_beginning_of_a_long_value_is_cleaned():
    assert shown("\x07" * 2_000 + "end") == '"…"'


def test_a_long_value_is_shortened_and_shown_on_one_line():
    assert shown("a\n" * 100) == '"' + "a " * 20 + '…"'
