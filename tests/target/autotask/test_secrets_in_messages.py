"""The messages of a service have no part of a secret, wherever they are cut."""

import html
import json
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.limits import RunLimits
from trueup.target.autotask.responses import ServiceResponse, judge
from trueup.target.autotask.retry import ApiRequest
from trueup.target.autotask.transport import InProcess, Transport
from trueup.target.autotask.zones import Zone

SECRET = 's3cr3t+Zz/9=Q"x'  # noqa: S105 -- searched for in texts
FORMS = [SECRET, quote(SECRET, safe=""), html.escape(SECRET), b64encode(SECRET.encode()).decode()]
ZONE = Zone("https://ws1.example.net/ATServicesRest/V1.0")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def escaped(text):
    """Every letter as JSON may escape it; serializers of .NET do so with quotes, + and &."""
    return "".join(f"\\u{ord(letter):04X}" for letter in text)


@pytest.mark.parametrize("shown", FORMS)
@pytest.mark.parametrize("length", [0, 90, 280, 295, 400, 5_990])
@pytest.mark.parametrize(
    "body",
    ["error", "escaped", "page", "text", "blanks", "tags", "cut", "page_of_dot_net", "utf_16"],
)
def test_a_message_has_no_part_of_a_secret(shown, length, body):
    credentials = Credentials("user9@client.example", SECRET, "code88code")
    text = "p" * length + " " + shown
    bodies = {
        "error": json.dumps({"errors": [text]}),
        "escaped": json.dumps({"errors": ["TEXT"]}).replace("TEXT", escaped(text)),
        "page": f"<html><title>{text}</title></html>",
        "text": text,
        "blanks": " " * 900 + text,
        "tags": "<p></p>" * 128 + text,
        "cut": '{"errors": ["' + escaped(text),
        "page_of_dot_net": f"<html><title>{text.replace('+', '&#x2B;')}</title></html>",
        "utf_16": text,
    }
    encoding = "utf-16" if body == "utf_16" else "utf-8"
    response = ServiceResponse(400, {}, bodies[body].encode(encoding))

    verdict = judge(response, NOW, credentials.hide)

    assert shown[:4] not in repr(verdict)
    assert escaped(shown[:4])[:20] not in repr(verdict).replace("\\\\", "\\")


@pytest.mark.parametrize(
    ("length", "shown", "expected"),
    [
        (0, "user9@client.example", "{} (hidden) is wrong"),
        (0, "USER9@Client.example", "{} (hidden) is wrong"),
        (294, SECRET, "{} (hid…"),
        (294, "user9@client.example", "{} (hid…"),
    ],
)
def test_what_carries_requests_hides_what_was_sent_before_it_shortens(
    clock, length, shown, expected
):
    body = json.dumps({"errors": [f"{'p' * length} {shown} is wrong"]}).encode()
    network = InProcess(lambda *_request: (500, {}, body))
    credentials = Credentials("user9@client.example", SECRET, "code88code")
    transport = Transport(credentials, clock, RunLimits(), loopback=True, network=network)

    with closing(transport):
        verdict = transport.send(ApiRequest("GET", "Companies/1", "Companies", "reading"), ZONE)

    assert verdict.errors == (expected.format("p" * length).strip(),)
