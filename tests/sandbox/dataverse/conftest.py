"""A small Dataverse sandbox and a client for it."""

from collections.abc import Iterator

import pytest

from tests.support.dataverse_client import DataverseClient, small_sandbox


@pytest.fixture
def client() -> Iterator[DataverseClient]:
    with small_sandbox() as sandbox, DataverseClient(sandbox) as client:
        yield client
