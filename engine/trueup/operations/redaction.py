"""Removes secrets from text that is about to be shown.

This is the last line of defence: no text should hold a secret in the first place.
"""

import os
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trueup.config.file_names import FLEET, PROJECT
from trueup.local_files import read_regular
from trueup.model.secrets import HIDDEN, NAMES, SHORTEST, forms, hide_forms

_NAMED_SO = re.compile(rf"(?i){NAMES}")
_FROM_ENVIRONMENT = re.compile(r"\benv\.(\w+)|\benvironment:\s*[\"']?(\w+)")
_TELLING = rf"\b(?=\w*?(?:{NAMES}))\w++"
"""A word such as `client_secret`. The expression never goes back: words may have megabytes."""

_IN_YAML = re.compile(rf"(?i){_TELLING}\s*+:\s*+[\"']?([^\s\"',}}#]+)")
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_IN_HEADER = re.compile(
    rf"(?i)(\bauthorization\b|{_TELLING})(['\"]?\s*[:=]\s*)(?:bearer\s+)?(?!…)[^\s,;&]+"
)

_known: set[str] = set()
"""Secrets that this process has read from where fleet.yaml says that they are kept, as `_forms`."""


def remember(secret: str) -> None:
    """Hides a secret in all later texts of this process."""
    _known.update(_forms((secret, *secret.splitlines())))


def remember_address(address: str) -> None:
    """Hides an address and the secrets in it, as they are written there and as they are.

    These are its password, and the values of options such as `password` and `sslpassword`.
    """
    remember(address)
    try:
        parts = urlsplit(address)
        secrets = [parts.password or ""]
    except ValueError:
        return
    options = (option.partition("=") for option in parts.query.split("&"))
    secrets += [value for name, _, value in options if _NAMED_SO.search(name)]
    for secret in secrets:
        remember(secret)
        remember(unquote(secret))


def scrubbed(text: str, folder: Path | None = None) -> str:
    """Returns the text with all known secrets replaced.

    Secrets are: those that were remembered; values of environment variables with a name such as
    PASSWORD; what the project or the fleet in `folder` takes from the environment or writes under
    such a name; credentials in addresses and headers.
    """
    return scrubber(folder)(text)


def scrubber(folder: Path | None = None) -> Callable[[str], str]:
    """As `scrubbed`, for many texts: files and environment are read once."""
    values = _forms(_values(folder))

    def scrub(text: str) -> str:
        text = hide_forms(text, _known, guessed=values)
        return _IN_HEADER.sub(rf"\1\2{HIDDEN}", _IN_ADDRESS.sub(HIDDEN, text))

    return scrub


def _values(folder: Path | None) -> set[str]:
    used, written = _in_yaml(_yaml(folder)) if folder else (frozenset[str](), frozenset[str]())
    values = {value for name, value in os.environ.items() if name in used or _NAMED_SO.search(name)}
    return values | written


@lru_cache(maxsize=8)
def _in_yaml(yaml: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names of variables of the environment, and values under telling names."""
    names = (name for found in _FROM_ENVIRONMENT.findall(yaml) for name in found if name)
    return frozenset(names), frozenset(_IN_YAML.findall(yaml))


def _forms(values: Iterable[str]) -> set[str]:
    """Returns values in their forms in texts."""
    return {form for value in values if len(value) >= SHORTEST for form in forms(value)}


def _yaml(folder: Path) -> str:
    """Returns the files of the folder that configure secrets."""
    return "\n".join(_content(folder / name) for name in (PROJECT, FLEET))


def _content(file: Path) -> str:
    try:
        return read_regular(file).decode("utf-8", "replace")
    except OSError:
        return ""
