"""Chooses the connector that a project names, and finds its files."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from trueup.errors import ConfigError, EngineError
from trueup.model.project import Connection, Project

Connector = TypeVar("Connector")


def choose(connectors: Mapping[str, Connector], connection: Connection) -> Connector:
    """Returns the connector that a connection names, which can be opened.

    Raises EngineError if there is none, ConfigError if a variable that it needs is not set.
    """
    connector = named(connectors, connection)
    require_set(connection)
    return connector


def named(connectors: Mapping[str, Connector], connection: Connection) -> Connector:
    """Returns the connector that a connection names. Raises EngineError if there is none."""
    if connection.connector not in connectors:
        raise EngineError(
            f"{connection.place}: there is no connector {connection.connector!r}: "
            f"use {', '.join(connectors)}"
        )
    return connectors[connection.connector]


def require_set(connection: Connection) -> None:
    """Raises ConfigError if a variable that the connection needs is not set."""
    if connection.unset:
        raise ConfigError(connection.unset)


def read_path(project: Project, connection: Connection, option: str) -> Path:
    """Returns the path of a file that is only read: tenants may share it."""
    return Path(project.root) / str(connection.options[option])


def own_path(project: Project, connection: Connection, option: str) -> Path:
    """Returns the path of a file that is written."""
    return project.own / str(connection.options[option])
