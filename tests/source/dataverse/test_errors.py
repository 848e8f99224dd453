"""Errors of the service are short, and have no part of a secret."""

import json

import pytest
from trueup.source.dataverse.errors import LONGEST_MESSAGE, error_of

SECRET = "a'b+c/d&e<f>gh"  # noqa: S105 -- searched for in texts

WRITTEN = {
    "as Python writes it": json.dumps(SECRET)[1:-1],
    "as .NET escapes it": "".join(
        letter if letter.isalpha() else f"\\u{ord(letter):04X}" for letter in SECRET
    ),
    "with an escaped slash": SECRET.replace("/", "\\/"),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("length", [0, LONGEST_MESSAGE - 5, LONGEST_MESSAGE])
def test_a_message_has_no_part_of_a_secret(written, length):
    text = "p" * length + " " + WRITTEN[written]
    body = f'{{"error": {{"code": "0x1", "message": "{text}"}}}}'

    code, message = error_of(body.encode(), [SECRET])

    assert code == "0x1"
    assert message.startswith("p" * length)
    assert SECRET[:3] not in message


@pytest.mark.parametrize(
    "between", ["\u00ad", "\u200b", "\u202e", "\ufeff", "\x07", "\x1b[1m", "\0"]
)
def test_a_message_is_cleaned_before_its_secrets_are_hidden(between):
    error = {"code": "0x1", "message": f"{SECRET[:6]}{between}{SECRET[6:]} is wrong"}

    assert error_of(json.dumps({"error": error}).encode(), [SECRET]) == ("0x1", "(hidden) is wrong")
