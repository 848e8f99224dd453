"""The messages of a service have no part of a secret, wherever they are cut."""

import html
import json
from base64 import b64encode
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.responses import ServiceResponse, judge

SECRET = 's3cr3t+Zz/9=Q"x'  # noqa: S105 -- searched for in texts
FORMS = [SECRET, quote(SECRET, safe=""), html.escape(SECRET), b64encode(SECRET.encode()).decode()]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def escaped(text):
    """Every letter as JSON may escape it; serializers of .NET do so with quotes, + and &."""
    return "".join(f"\\u{ord(letter):04X}" for letter in text)


@pytest.mark.parametrize("shown", FORMS)
@pytest.mark.parametrize("length", [0, 90, 280, 295, 400, 5_990])
@pytest.mark.parametrize("body", ["error", "escaped", "page", "text"])
def test_a_message_has_no_part_of_a_secret(shown, length, body):
    credentials = Credentials("user9@client.example", SECRET, "code88code")
    text = "p" * length + " " + shown
    bodies = {
        "error": json.dumps({"errors": [text]}),
        "escaped": json.dumps({"errors": ["TEXT"]}).replace("TEXT", escaped(text)),
        "page": f"<html><title>{text}</title></html>",
        "text": text,
    }
    response = ServiceResponse(400, {}, bodies[body].encode())

    verdict = judge(response, NOW, credentials.hide)

    assert shown[:4] not in repr(verdict)
