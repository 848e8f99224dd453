"""Secrets are hidden in all forms in which a server may repeat them."""

import html
import json
import re
import timeit
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from trueup.errors import LONGEST_LINE, shortened
from trueup.model.secrets import LOOKED_AT, SHORTEST, forms, hide, hide_forms

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "capital letters": str.upper,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON, letters kept": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "Python": lambda secret: repr(secret)[1:-1],
    "address": lambda secret: quote(secret, safe=""),
    "address, small letters": lambda secret: re.sub(
        "%..", lambda one: one[0].lower(), quote(secret, safe="")
    ),
    "path": quote,
    "form": quote_plus,
    "HTML": html.escape,
    "HTML, quotes kept": lambda secret: html.escape(secret, quote=False),
    "HTML of .NET": lambda secret: html.escape(secret).replace("&#x27;", "&#39;"),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "base64 of UTF-16": lambda secret: b64encode(secret.encode("utf-16-le")).decode(),
    "base64": lambda secret: b64encode(secret.encode()).decode(),
    "base64 in addresses": lambda secret: urlsafe_b64encode(secret.encode()).decode(),
}
SECRET = "s3cr3t+Zz/9 =Q\"x'&>ûï¿"  # noqa: S105 -- searched for in texts
USER = "ApiUser@msp.example"
WORDS = st.text("abc €\"'<&%+/=\\", max_size=12)


def each(form):
    """Encodes each letter in a form."""
    return lambda text: "".join(form % ord(letter) for letter in text)


ENCODINGS = {
    **{
        name: form
        for name, form in FORMS.items()
        if name.startswith(("JSON", "HTML", "address", "path", "form"))
    },
    "JSON, each letter": each("\\u%04X"),
    "HTML, each letter": each("&#x%X;"),
    "HTML, each letter, decimal": each("&#%d;"),
    "address, each letter": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "escape(), each letter": each("%%u%04X"),
    "Python, each byte": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "lines": lambda text: "\r\n".join(text[at : at + 5] for at in range(0, len(text), 5)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_each_form(form):
    assert hide(f"is <{FORMS[form](SECRET)}>", [SECRET]).replace("=", "") == "is <(hidden)>"


def test_of_two_secrets_of_one_beginning_nothing_is_left():
    assert hide("code abcdefghTAIL", ["abcdefgh", "abcdefghTAIL"]) == "code (hidden)"


def test_a_secret_that_is_a_part_of_what_stands_for_one_is_hidden_once():
    assert hide("is hidden, or abcdefgh", ["hidden", "abcdefgh"]) == "is (hidden), or (hidden)"


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("demo", "a demonstration of demo", "a demonstration of {}"),
        ("it", "is it it?", "is it it?"),
        ("abc123", "as me:abc123@db, -abc123-, $abc123", "as me:{}@db, -{}-, ${}"),
        (
            "abc123",
            "abc123.example, _abc123_, xabc123, abc1234",
            "{}.example, _{}_, xabc123, abc1234",
        ),
        ("!abc1", "pw!abc1? or !abc12", "pw{}? or !abc12"),
        ("ab/cd", "ab%2fcd, ab%2Fcd", "{}, {}"),
    ],
)
def test_a_short_secret_is_hidden_but_where_a_letter_or_digit_goes_on(secret, text, shown):
    assert hide(text, [secret]) == shown.replace("{}", "(hidden)")


def test_a_short_value_that_may_be_a_secret_is_hidden_where_it_stands_by_itself():
    assert hide_forms("demo of trueup-demo", (), {"demo"}) == "(hidden) of trueup-demo"
    assert hide_forms("trueup-demo", {"demo"}, {"demo"}) == "trueup-(hidden)"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("readonly", "the role has read only access"),
        ("Password1", "Password 1 of 3 expired"),
        ("testtest", "the latest testcase failed"),
        ("sandbox-secret", "the sandbox secret is wrong"),
        ("+te+st++", "a test of what is left"),
        ("%41%41%41%41", "the AAAA battery"),
        ("++++++++", "anything"),
        ("&#32;&#32;", "two  blanks"),
    ],
)
def test_ordinary_words_are_no_secret(secret, text):
    assert hide(text, [secret]) == text


@pytest.mark.parametrize(
    "between",
    ["\u00ad", "\u200b", "\u202e", "\ufeff", "\u2060", "\x07", "\x08", "\0", "\x1b[1m", "\x1b"],
)
def test_a_text_is_cleaned_before_its_secrets_are_hidden(between):
    assert hide(f"is {SECRET[:5]}{between}{SECRET[5:]}.", [SECRET]) == "is (hidden)."
    assert hide(f"is abc{between}123.", ["abc123"]) == "is (hidden)."


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("correct horse battery 9", "correct horse\nbattery 9"),
        ("pass word 77 x", "pass word\n77 x"),
        ("topsecretvalue123", "topsecret\n   value123"),
        ("topsecretvalue123", "topsecret\\n value123"),
        ("correct horse battery 9", "correct horse\u2028battery 9"),
        ("correct horse battery 9", "correct horse\u00a0battery 9"),
        *(
            ("topsecretvalue123", f"topsecret{between}value123")
            for between in ("\u061c", "\u034f", "\u115f", "\ufe0f", "\ufff9", "\U000e0020")
        ),
    ],
)
def test_a_secret_that_is_wrapped_or_split_by_what_nothing_shows_hides_the_text(secret, text):
    assert hide(f"it is {text}.", [secret]) == "(hidden)"


def test_a_text_that_is_not_broken_is_kept_though_its_blanks_could_join_a_secret():
    assert hide("the correct horse is here", ["correcthorse"]) == "the correct horse is here"


def test_a_secret_that_cleaning_changes_is_hidden():
    assert hide("is s3cr\u00adet-77.", ["s3cr\u00adet-77"]) == "is (hidden)."


@given(st.text(min_size=8), WORDS, WORDS, st.sampled_from(sorted(FORMS)))
def test_no_form_of_a_secret_stays(secret, before, after, form):
    try:
        shown = FORMS[form](secret)
    except UnicodeEncodeError:
        return
    assert shown.rstrip("=") not in hide(before + shown + after, [secret])


@given(
    st.text('abcXYZ019+/=&<"é€-', min_size=8, max_size=20),
    st.lists(st.sampled_from(sorted(ENCODINGS)), min_size=1, max_size=3),
)
@example("0000000é", ["address", "lines", "HTML, each letter"])
def test_no_encoding_of_an_encoded_secret_stays(secret, encodings):
    shown = secret
    for encoding in encodings:
        shown = ENCODINGS[encoding](shown)

    text = hide(f"is {shown}.", [secret])

    assert "(hidden)" in text
    assert shown not in text


@pytest.mark.parametrize("before", ["x:", "abc:", f"{USER}:"])
@pytest.mark.parametrize("code", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_secret_is_hidden_inside_of_base64(before, code, encoding):
    sent = code(f"{before}{SECRET}\n".encode(encoding)).decode()

    assert hide(f"Authorization: Basic {sent}", [SECRET]) == "(hidden)"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_secret_is_hidden_in_bytes_that_are_read_in_another_encoding(encoding):
    body = "bad s3cr3t+Zz/9=Q".encode(encoding).decode("utf-8", "replace")

    assert "Q" not in hide(body, ["s3cr3t+Zz/9=Q"]).replace("\0", "")


@pytest.mark.parametrize("length", range(SHORTEST, len(SECRET)))
def test_what_is_left_of_a_secret_beside_an_ellipsis_is_hidden(length):
    cut_in_the_middle = shortened(f"is {'x' * (LONGEST_LINE + 9)} {SECRET}"[: LONGEST_LINE + 9])
    end = SECRET[-length:]

    assert hide(f"is {SECRET[:length]}…", [SECRET]) == "is (hidden)…"
    assert hide(f"is […12,345 characters…] {end}", [SECRET]).endswith("…] (hidden)")
    assert "s3cr" not in hide(cut_in_the_middle, [SECRET])


@pytest.mark.parametrize(
    "body", ["\\", "%", "&", "&#1", "…", f"&#{'1' * 5_000};", "\\n", "%25", f"{SECRET[:9]} "]
)
def test_a_long_body_takes_no_long_time(body):
    text = body * (2_000_000 // len(body))

    assert hide(text, [SECRET, USER]) == text[:LOOKED_AT]


@pytest.mark.parametrize("before", range(2 * LOOKED_AT - len(SECRET), 2 * LOOKED_AT + 1, 5))
def test_where_a_long_body_is_cut_nothing_of_a_secret_is_left(before):
    text = hide("x" * before + SECRET + "x" * 9, [SECRET])

    assert {*text} == {"x"}
    assert hide((SECRET + " ") * LOOKED_AT, [SECRET]) == "(hidden)"


def test_an_ellipsis_does_not_make_the_search_for_thousands_of_secrets_much_longer():
    secrets = [sha256(f"{number}".encode()).hexdigest() for number in range(1_000)]
    known = {form for secret in secrets for form in forms(secret)}

    def took(text):
        return min(timeit.repeat(lambda: hide_forms(text, known), number=1, repeat=5))

    assert hide_forms(f"wait, … {secrets[7][:20]}…", known) == "wait, … (hidden)…"
    assert took("Companies, Contracts, … wait") < 50 * took("Companies, Contracts, ... wait")
