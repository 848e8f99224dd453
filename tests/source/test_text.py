"""Values are cleaned and shortened for messages, and keys have one spelling."""

from hypothesis import given
from hypothesis import strategies as st
from trueup.source.text import canonical_key, shown


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
