"""Secrets are hidden in all forms in which a server may repeat them."""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.errors import LONGEST_LINE, shortened
from trueup.model.secrets import SHORTEST, hide

FORMS = {
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
    "lines": lambda text: "\r\n ".join(text[at : at + 5] for at in range(0, len(text), 5)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_each_form(form):
    assert hide(f"is <{FORMS[form](SECRET)}>", [SECRET]).replace("=", "") == "is <(hidden)>"


def test_of_two_secrets_of_one_beginning_nothing_is_left():
    assert hide("code abcdefghTAIL", ["abcdefgh", "abcdefghTAIL"]) == "code (hidden)"


def test_a_short_value_is_a_part_of_words():
    assert hide("a demonstration of demo", ["demo"]) == "a demonstration of (hidden)"
    assert hide("is it it?", ["it"]) == "is it it?"


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
def test_no_encoding_of_an_encoded_secret_stays(secret, encodings):
    shown = secret
    for encoding in encodings:
        shown = ENCODINGS[encoding](shown)

    text = hide(f"is {shown}.", [secret])

    assert "(hidden)" in text
    assert shown not in text


@pytest.mark.parametrize("before", ["x:", "abc:", f"{USER}:"])
@pytest.mark.parametrize("code", [b64encode, urlsafe_b64encode])
def test_a_secret_is_hidden_inside_of_base64(before, code):
    sent = code(f"{before}{SECRET}\n".encode()).decode()

    assert hide(f"Authorization: Basic {sent}", [SECRET]) == "(hidden)"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_secret_is_hidden_in_bytes_that_are_read_in_another_encoding(encoding):
    body = "bad s3cr3t+Zz/9=Q".encode(encoding).decode("utf-8", "replace")

    assert "Q" not in hide(body, ["s3cr3t+Zz/9=Q"]).replace("\0", "")


def test_words_beside_each_other_are_no_secret():
    assert hide("the sandbox secret is wrong", ["sandbox-secret"]) == "the sandbox secret is wrong"


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
    text = body * (200_000 // len(body))

    assert hide(text, [SECRET, USER]) == text
