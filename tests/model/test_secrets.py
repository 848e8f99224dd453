"""Secrets are hidden in all forms in which a server may repeat them."""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.model.secrets import hide

FORMS = {
    "plain": str,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "Python": lambda secret: repr(secret)[1:-1],
    "address": lambda secret: quote(secret, safe=""),
    "address, small letters": lambda secret: re.sub(
        "%..", lambda one: one[0].lower(), quote(secret, safe="")
    ),
    "form": quote_plus,
    "HTML": html.escape,
    "HTML of .NET": lambda secret: html.escape(secret).replace("&#x27;", "&#39;"),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
}
SECRET = 's3cr3t+Zz/9=Q"x'  # noqa: S105 -- searched for in texts
WORDS = st.text("abc €\"'<&%+/=\\", max_size=12)


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_each_form(form):
    assert hide(f"is <{FORMS[form](SECRET)}>", [SECRET]).replace("=", "") == "is <…>"


def test_of_two_secrets_of_one_beginning_nothing_is_left():
    assert hide("code abcdefTAIL", ["abcdef", "abcdefTAIL"]) == "code …"


def test_a_short_value_is_a_part_of_words():
    assert hide("a demonstration", ["dem"]) == "a demonstration"


@given(st.text(min_size=8), WORDS, WORDS, st.sampled_from(sorted(FORMS)))
def test_no_form_of_a_secret_stays(secret, before, after, form):
    try:
        shown = FORMS[form](secret)
    except UnicodeEncodeError:
        return
    assert shown.rstrip("=") not in hide(before + shown + after, [secret])
