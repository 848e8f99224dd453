"""Replaces `{{ env.NAME }}` in the options of a connection by values of the environment.

No value of the environment is ever part of a message.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from trueup.config.node import Node
from trueup.model.finding import Finding, Place, Severity

_ENV = re.compile(r"\{\{\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_CODE = re.compile(r"\{\{|\{%|\{#")

_PASSWORD = re.compile(
    r"://[^/?#@\s:]*:([^/?#@\s]+)@|[?&;](?:password|passwd|pwd)=([^&;#\s]+)", re.IGNORECASE
)
"""The password in an address: before the host, or among the options."""

SECRETS = frozenset({"secret", "client_secret", "password", "integration_code", "token"})
"""Options that belong into the environment. They are never part of a digest."""


class UnsetVariable(Finding, frozen=True):
    """The finding that a variable of the environment is not set."""

    variable: str = ""


class ResolvedOptions(Struct, frozen=True):
    """Options with all values replaced, and what is wrong with them."""

    options: Mapping[str, object]
    findings: tuple[Finding, ...]
    unset: tuple[UnsetVariable, ...]
    """Variables that are not set: an error only for what opens the connection."""


def resolve(node: Node, env: Mapping[str, str]) -> ResolvedOptions:
    """Returns the options of a source, target or state, without the connector's name."""
    options = {key: _value(part.data, env) for key, part in node.items() if key != "connector"}
    texts = [(part.data, part.place) for _, part in node.items() if isinstance(part.data, str)]
    findings = [finding for text, place in texts for finding in _misused(text, place)]
    unset = [finding for text, place in texts for finding in _unset(text, env, place)]
    return ResolvedOptions(options, tuple(findings), tuple(unset))


def variable(text: str) -> str:
    """Returns NAME of a text that is `{{ env.NAME }}` and nothing else; otherwise nothing."""
    found = _ENV.fullmatch(text.strip())
    return found[1] if found else ""


def _value(option: object, env: Mapping[str, str]) -> object:
    if not isinstance(option, str):
        return option
    return substituted(option, lambda name: env.get(name, ""))


def _unset(text: str, env: Mapping[str, str], place: Place) -> Iterator[UnsetVariable]:
    for name in dict.fromkeys(_ENV.findall(text)):
        if not env.get(name):
            what, remedy = f"the environment variable {name} is not set", f"export {name}=…"
            yield UnsetVariable("environment", Severity.ERROR, what, remedy, place, variable=name)


def substituted(text: str, value_of: Callable[[str], str]) -> str:
    """Returns the text with each `{{ env.NAME }}` replaced by what `value_of` returns for NAME."""
    return _ENV.sub(lambda match: value_of(match[1]), text)


def _misused(text: str, place: Place) -> Iterator[Finding]:
    if _CODE.search(_ENV.sub("", text)):
        message = "only {{ env.NAME }} can be used here"
        yield Finding("environment", Severity.ERROR, message, "", place)


def exposed_secrets(node: Node) -> Iterator[Finding]:
    """Warns of secrets that are written in the file itself."""
    for key, part in node.items():
        if key in SECRETS and isinstance(part.data, str) and not _CODE.search(part.data):
            text = f"{key} is written in the file, where everyone who has the file can read it"
            remedy = f'{key}: "{{{{ env.{key.upper()} }}}}"'
            yield Finding("secret-in-file", Severity.WARNING, text, remedy, part.place)
        elif isinstance(part.data, str) and has_password(part.data):
            text = f"{key} holds a password, where everyone who has the file can read it"
            remedy = "write {{ env.NAME }} in place of the password, or of the whole address"
            yield Finding("secret-in-file", Severity.WARNING, text, remedy, part.place)


def has_password(address: str) -> bool:
    """Whether an address holds a password that is not taken from the environment."""
    return any(
        not _ENV.fullmatch(one[1] or one[2]) for one in _PASSWORD.finditer(_compact(address))
    )


def _compact(text: str) -> str:
    """The text with each variable written without spaces, so that it is one word."""
    return _ENV.sub(lambda found: f"{{{{env.{found[1]}}}}}", text)
