"""Options with `{{ env.NAME }}` in; with the environment's values out. No value is ever shown."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.config.node import Node
from engine.model.finding import Finding, Place, Severity

_ENV = re.compile(r"\{\{\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_CODE = re.compile(r"\{\{|\{%|\{#")
SECRETS = frozenset({"secret", "client_secret", "password", "integration_code", "token"})
"""Options that belong in the environment; never part of a digest."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Options ready for use, and what is wrong with them."""

    options: Mapping[str, object]
    findings: tuple[Finding, ...]


def resolve(node: Node, env: Mapping[str, str]) -> Resolved:
    """The options of a source, target or state, without the connector's name."""
    options = {key: _value(part.data, env) for key, part in node.items() if key != "connector"}
    findings = [found for _, part in node.items() for found in _faults(part, env)]
    return Resolved(options, tuple(findings))


def _value(said: object, env: Mapping[str, str]) -> object:
    return _ENV.sub(lambda name: env.get(name[1], ""), said) if isinstance(said, str) else said


def _faults(node: Node, env: Mapping[str, str]) -> Iterator[Finding]:
    if isinstance(node.data, str):
        yield from _text(node.data, env, node.place)


def _text(said: str, env: Mapping[str, str], place: Place) -> Iterator[Finding]:
    for name in dict.fromkeys(_ENV.findall(said)):
        if not env.get(name):
            text = f"the environment variable {name} is not set"
            yield Finding("environment", Severity.ERROR, text, f"export {name}=…", place)
    if _CODE.search(_ENV.sub("", said)):
        text = "only {{ env.NAME }} can be used here"
        yield Finding("environment", Severity.ERROR, text, "", place)


def exposed(node: Node) -> Iterator[Finding]:
    """Warns of secrets that stand in the file itself."""
    for key, part in node.items():
        if key in SECRETS and isinstance(part.data, str) and not _CODE.search(part.data):
            text = f"{key} stands in the file, where everybody who has the file can read it"
            remedy = f'{key}: "{{{{ env.{key.upper()} }}}}"'
            yield Finding("secret-in-file", Severity.WARNING, text, remedy, part.place)
