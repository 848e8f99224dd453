"""A service asks to wait, in seconds or until a date."""

from datetime import UTC, datetime

import pytest
from trueup.model.retry_after import LONGEST, retry_after

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "0" * 25 + "5"}, 5.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, LONGEST),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:30 GMT"}, 90.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "²"}, None),
        ({"retry-after": "Fri, 20 Nov 99999999999 12:01:30 GMT"}, None),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:30 +9999"}, None),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:30 -0000"}, 90.0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST),
        # the date is the server's, so it is compared with the server's clock
        (
            {
                "retry-after": "Fri, 20 Nov 2026 18:00:30 GMT",
                "date": "Fri, 20 Nov 2026 18:00:00 GMT",
            },
            30.0,
        ),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers, seconds):
    assert retry_after(headers, NOW) == seconds
