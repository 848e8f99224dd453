"""A database with the fleet's tables, for one test each."""

import pytest
from trueup.fleet import schema
from trueup.fleet.connection import connect
from trueup.fleet.procrastinate_queue import ProcrastinateQueue


@pytest.fixture(scope="session")
def _made(postgres_server):
    """The address of a database with the tables; only copied."""
    with postgres_server.database() as address:
        with connect(address) as connection:
            schema.prepare(connection, ProcrastinateQueue(address))
        yield address


@pytest.fixture
def url(_made, postgres_server):
    with postgres_server.database(copy_of=_made) as address:
        yield address


@pytest.fixture
def connection(url):
    with connect(url) as one:
        yield one
