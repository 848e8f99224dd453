"""A scenario opens its sandbox once, and asks it without a socket."""

import pytest

from tests.support.in_process import sandboxes_kept


@pytest.fixture(autouse=True)
def _sandbox_is_kept():
    with sandboxes_kept():
        yield
