from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.target.answers import Answer, Busy, Garbled, Good, Refused, Unclear, clean, judge, parse, retry_after

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def judged(status, body=b"", headers=None):
    return judge(Answer(status, headers or {}, body), NOW)


def test_a_json_answer_is_good_and_keeps_decimals_exact():
    assert judged(200, b'{"price": 10.10}') == Good({"price": Decimal("10.10")})


def test_a_500_with_errors_is_a_refusal_in_autotasks_words():
    assert judged(500, b'{"errors": ["phone is required", {"message": "and more"}]}') == Refused(
        500, ("phone is required", "and more")
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
    ],
)
def test_a_fault_of_the_service_says_nothing_of_what_was_done(status, body):
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


def test_the_words_of_a_busy_service_in_a_good_answer_are_data():
    assert judged(200, b'{"items": [{"name": "Thread Threshold Exceeded"}]}') == Good(
        {"items": [{"name": "Thread Threshold Exceeded"}]}
    )


@pytest.mark.parametrize(("status", "body"), [(404, b"<html><title>404</title>"), (405, b""), (403, b"{}"), (401, b"")])
def test_the_four_hundreds_were_not_carried_out_with_or_without_json(status, body):
    verdict = judged(status, body)

    assert isinstance(verdict, Refused)
    assert verdict.status == status
    assert verdict.errors


def test_a_web_page_is_shown_by_its_title_without_escapes():
    verdict = judged(404, b"<html><head><title>Not\x1b[2J found</title></head><script>x</script>")

    assert verdict.errors == ("HTTP 404 with a web page (Not [2J found)",)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, 999_999_999.0),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:30 GMT"}, 90.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
        # the date is the server's, so its own clock counts and not ours
        ({"retry-after": "Fri, 20 Nov 2026 18:00:30 GMT", "date": "Fri, 20 Nov 2026 18:00:00 GMT"}, 30.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers, seconds):
    assert retry_after(headers, NOW) == seconds


def test_a_busy_answer_carries_the_wait_it_asks_for():
    assert judged(429, b"", {"retry-after": "7"}).wait == 7.0


def test_texts_of_errors_lose_markup_escapes_and_length():
    text = "a <b>bold</b>\x1b[31m\r\n lie\u202e <script>alert(1)</script> 1 < 2 " + "x" * 1000

    said = clean(text)

    assert said.startswith("a bold [31m lie 1 < 2 xxx")
    assert len(said) == 300


def test_at_most_twenty_errors_are_kept():
    assert len(judged(500, b'{"errors": [' + b'"no",' * 50 + b'"no"]}').errors) == 20


@given(st.integers(100, 599), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_answer_has_a_meaning(status, body):
    verdict = judged(status, body)

    assert not (isinstance(verdict, Good) and status >= 300)
    assert not (isinstance(verdict, Refused) and status < 400)


def test_an_empty_body_is_no_json():
    with pytest.raises(Garbled, match="empty"):
        parse(b"  ")
