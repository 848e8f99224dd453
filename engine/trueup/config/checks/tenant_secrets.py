"""Reports secrets that are written into fleet.yaml itself. No message holds one."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from trueup.config.environment import exposed_secrets, has_password
from trueup.config.node import Node
from trueup.model.finding import Finding, Place, Severity

_CONNECTIONS = frozenset({"source", "target", "state", "notify", "desk"})
"""Parts of trueup.yaml with access data; settings may hold what only looks like a secret."""

_RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9+_~!-]{16,}=*")
"""Words as generators of passwords and keys make them: long, with both cases and digits."""

_ARGUMENT = re.compile(r"(?i)(?:secret|passw\w*|token|api.?key)[^=:\s]*[=:](?=.)")
"""An argument that gives a secret to a program."""

_REMEDY = "write where it is kept, under `secrets`, and {{ env.NAME }} here"


def exposed_in_set(node: Node) -> Iterator[Finding]:
    """Yields an error for each secret in `set`."""
    for part, inside in node.items():
        if part in _CONNECTIONS:
            yield from _exposed_below(inside)


def _exposed_below(node: Node) -> Iterator[Finding]:
    if isinstance(node.data, list):
        for part in node.parts():
            yield from _exposed_below(part)
    elif isinstance(node.data, dict):
        known = [replace(secret, severity=Severity.ERROR) for secret in exposed_secrets(node)]
        yield from (replace(one, remedy=_REMEDY) for one in known)
        places = {one.place for one in known}
        parts = (part for _, part in node.items())
        for part in parts:
            if part.place not in places:
                yield from _exposed_below(part)
    elif isinstance(node.data, str) and _RANDOM.fullmatch(node.data):
        yield _error("this looks like a secret", node.place, _REMEDY)


def exposed_in_reference(node: Node) -> Iterator[Finding]:
    """Yields an error for each secret in the reference to a secret."""
    remedy = "name what holds it: a variable, a file, an entry of the keyring, a program"
    for kind, part in node.items():
        for text in part.parts() if isinstance(part.data, list) else _values(part):
            if isinstance(text.data, str) and _looks_secret(text.data, kind):
                yield _error("this looks like the secret itself", text.place, remedy)


def _values(part: Node) -> Iterator[Node]:
    if isinstance(part.data, dict):
        yield from (value for _, value in part.items())
    else:
        yield part


def _looks_secret(text: str, kind: str) -> bool:
    is_argument = kind == "command" and bool(_ARGUMENT.search(text))
    return is_argument or bool(_RANDOM.fullmatch(text)) or has_password(text)


def _error(text: str, place: Place, remedy: str) -> Finding:
    return Finding("secret-in-file", Severity.ERROR, text, remedy, place)
