"""A database with the fleet's tables, for one test each."""

import pytest
from trueup.fleet import schema
from trueup.fleet.connection import connect
from trueup.fleet.procrastinate_queue import ProcrastinateQueue


@pytest.fixture
def url(postgres):
    with connect(postgres) as connection:
        schema.prepare(connection, ProcrastinateQueue(postgres))
    return postgres


@pytest.fixture
def connection(url):
    with connect(url) as one:
        yield one
