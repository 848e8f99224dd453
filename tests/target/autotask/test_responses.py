"""A response is judged as done, refused, busy or unclear."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.target.autotask.responses import (
    Busy,
    Done,
    MalformedResponse,
    Rejected,
    ServiceResponse,
    Unclear,
    clean_message,
    judge,
    parse,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def judged(status, body=b"", headers=None):
    return judge(ServiceResponse(status, headers or {}, body), NOW, str)


def test_a_json_response_is_done_with_exact_decimals():
    assert judged(200, b'{"price": 10.10}') == Done({"price": Decimal("10.10")})


def test_a_500_with_errors_is_a_refusal_with_autotasks_messages():
    assert judged(500, b'{"errors": ["phone is required", {"message": "and more"}]}') == Rejected(
        500, ("phone is required", "and more"), may_have_landed=True
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (500, b"{}"),
        (500, b'{"errors": []}'),
        (500, b"<html><title>Server Error</title>"),
        (502, b'{"errors": ["bad gateway"]}'),
        (503, b""),
        (408, b'{"errors": ["too slow"]}'),
        (200, b""),
        (200, b'{"items": [1, '),
        (200, b"<html>"),
        (200, b'{"errors": ["half done"]}'),
        (200, b'{"errors": ["Thread Threshold Exceeded"]}'),
        (200, b'{"price": NaN}'),
        (200, b"[" * 100_000),
        (200, b'{"name": "\xff"}'),
        (500, b'{"errors": ["Execution Timeout Expired."]}'),
        (500, b'{"errors": ["Transaction was deadlocked on lock resources"]}'),
        (500, b"<title>Thread Threshold Exceeded</title>"),
        (502, b'{"errors": ["Bad gateway: upstream rate limit"]}'),
        (503, b'{"errors": ["Itgenatr005: Thread Threshold Exceeded"]}'),
        (504, b"<title>504: the number of requests that wait is too high</title>"),
    ],
)
def test_a_fault_of_the_service_leaves_the_outcome_unclear(status, body):
    verdict = judged(status, body)

    assert isinstance(verdict, Unclear)
    assert verdict.again


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_not_repeated(status):
    assert judged(status, b"").again is False


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b""),
        (429, b"<html>slow down"),
        (500, b'{"errors": ["Itgenatr005: Thread Threshold Exceeded"]}'),
        (403, b'{"errors": [{"message": "thread threshold of 3 threads exceeded"}]}'),
        (500, b'{"errors": ["You have exceeded the request threshold"]}'),
    ],
)
def test_too_many_requests_were_not_carried_out_whatever_the_status(status, body):
    assert isinstance(judged(status, body), Busy)


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors": ["Picklist value [Rate Limited Internet] does not exist for category."]}',
        b'{"errors": ["The Service \'Thread limit pack\' is already on the Contract."]}',
        b'{"errors": ["Thread Threshold Exceeded", "An error has occurred."]}',
    ],
)
@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_that_only_contains_the_words_of_a_limit_is_not_busy(status, body):
    assert isinstance(judged(status, body), Rejected)


def test_a_refusal_that_repeats_a_value_with_the_words_of_a_time_out_is_final():
    text = "Picklist value [Operation timed out] does not exist for category."

    assert judged(500, json.dumps({"errors": [text]}).encode()) == Rejected(500, (text,))


def test_the_message_of_a_busy_service_in_a_good_response_is_data():
    assert judged(200, b'{"items": [{"name": "Thread Threshold Exceeded"}]}') == Done(
        {"items": [{"name": "Thread Threshold Exceeded"}]}
    )


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"<html><title>404</title>"), (405, b""), (403, b"{}"), (401, b"")]
)
def test_a_status_of_the_four_hundreds_is_a_refusal_with_or_without_json(status, body):
    verdict = judged(status, body)

    assert isinstance(verdict, Rejected)
    assert verdict.status == status
    assert verdict.errors


def test_a_web_page_is_shown_by_its_title_without_escapes():
    verdict = judged(404, b"<html><head><title>Not\x1b[2J found</title></head><script>x</script>")

    assert verdict.errors == ("HTTP 404 with a web page (Not [2J found)",)


def test_a_busy_verdict_has_the_wait_that_the_service_asks_for():
    assert judged(429, b"", {"retry-after": "7"}).wait == 7.0


def test_error_messages_lose_markup_and_escapes_and_are_shortened():
    text = "a <b>bold</b>\x1b[31m\r\n lie\u202e <script>alert(1)</script> 1 < 2 " + "x" * 1000

    cleaned = clean_message(text)

    assert cleaned.startswith("a bold [31m lie 1 < 2 xxx")
    assert len(cleaned) == 300


def test_at_most_twenty_errors_are_kept():
    assert len(judged(500, b'{"errors": [' + b'"no",' * 50 + b'"no"]}').errors) == 20


@given(st.integers(100, 599), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_response_has_a_verdict(status, body):
    verdict = judged(status, body)

    assert not (isinstance(verdict, Done) and status >= 300)
    assert not (isinstance(verdict, Rejected) and status < 400)


def test_an_empty_body_is_malformed():
    with pytest.raises(MalformedResponse, match="empty"):
        parse(b"  ")
