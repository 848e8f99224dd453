"""Addresses of databases: what is accepted, and that no message shows a part of a password."""

import psycopg
import pytest
from trueup.errors import StateError
from trueup.state.postgres.address import parse_address
from trueup.state.postgres.database import translated

SECRET = "n0tt0besh0wn"  # noqa: S105 -- of no server


@pytest.mark.parametrize(
    ("url", "description"),
    [
        (f"postgresql://me:{SECRET}@db.example/base", "db.example/base"),
        (f"postgres://me:{SECRET}@db.example:5433/base?sslmode=require", "db.example/base"),
        (f"postgresql+psycopg://me:{SECRET}@db.example/base", "db.example/base"),
        (
            f"postgresql://me:{SECRET}%40%2F@a.example:1,b.example:2/base",
            "a.example,b.example/base",
        ),
        (f"postgresql://me:x?dbname={SECRET}@db.example/base", "db.example/base"),
        ("postgresql:///base?host=/run/postgresql", "/run/postgresql/base"),
        (f"postgresql://db.example/base?password={SECRET}", "db.example/base"),
    ],
)
def test_an_address_is_described_without_its_secret(url, description):
    address = parse_address(url)

    assert address.description == description
    assert SECRET not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:x@{SECRET}@db.example/base",
        f"postgresql://me:x/{SECRET}@db.example/base",
        f"postgresql://me:%{SECRET}@db.example/base",
        f"postgresql://me:x@db.example:{SECRET}/base",
        f"postgresql://me:x@[::1/{SECRET}",
        f"mysql://me:{SECRET}@db.example/base",
        f"host=db.example password={SECRET}",
        "",
    ],
)
def test_an_address_that_is_not_clear_is_refused_without_repeating_it(url):
    with pytest.raises(StateError, match=r"^state\.url: not ") as refused:
        parse_address(url)

    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_options_of_an_address_override_the_defaults():
    plain = parse_address("postgresql://db.example/base").options
    stated = parse_address("postgresql://db.example/base?connect_timeout=3").options

    assert (plain["connect_timeout"], stated["connect_timeout"]) == (10, "3")


@pytest.mark.parametrize("length", range(284, 302))
def test_a_message_of_the_server_has_no_part_of_a_password_where_it_is_shortened(length):
    address = parse_address(f"postgresql://me:{SECRET}@db.example/base")

    with pytest.raises(StateError) as failed, translated(address, "the state"):
        raise psycopg.OperationalError(f"{'x' * length} {SECRET} is refused")

    assert SECRET[:2] not in str(failed.value)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("bad\r\x1b[2K\x1b[31m\u202eforged\x07\x08.", "bad forged"),
        (f"key {SECRET[:5]}\u00ad{SECRET[5:]}", "key (hidden)"),
        (f"value \\x{SECRET.encode().hex()}", "value \\x(hidden)"),
    ],
)
def test_a_message_of_the_server_is_cleaned_before_its_secrets_are_hidden(said, shown):
    address = parse_address(f"postgresql://me:{SECRET}@db.example/base")

    with pytest.raises(StateError) as failed, translated(address, "the state"):
        raise psycopg.DataError(said)

    assert str(failed.value) == f"the state cannot keep this value: {shown}"
