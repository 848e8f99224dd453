"""Takes secrets out of text that is about to be shown.

This is the last line of defence: no text should hold a secret in the first place.
"""

import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from trueup.local_files import read_regular

HIDDEN = "(hidden)"
SHORTEST = 4
"""A shorter value would hide ordinary words."""

LONG = 8
"""Shorter values are hidden only as whole words: a part of a name (`trueup-demo`) is no secret."""

_KINDS = r"secret|passw|token|credential|integration_?code|api_?key|private"
_NAMED_SO = re.compile(rf"(?i){_KINDS}")
_FROM_ENVIRONMENT = re.compile(r"\benv\.(\w+)")
_IN_YAML = re.compile(rf"(?i)[\w]*(?:{_KINDS})\w*\s*:\s*[\"']?([^\s\"',}}#]+)")
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_IN_HEADER = re.compile(
    rf"(?i)\b(authorization|\w*(?:{_KINDS})\w*)(['\"]?\s*[:=]\s*)(?:bearer\s+)?(?!…)[^\s,;&]+"
)


def scrubbed(text: str, folder: Path | None = None) -> str:
    """The text without what is, or is named as, a secret.

    Secrets are: values of environment variables with a telling name; what the project in `folder`
    takes from the environment or writes under such a name; credentials in addresses and headers.
    """
    return scrubber(folder)(text)


def scrubber(folder: Path | None = None) -> Callable[[str], str]:
    """As `scrubbed`, for many texts: the secrets are looked up once."""
    values = sorted(_values(folder), key=len, reverse=True)

    def scrub(text: str) -> str:
        for value in values:
            if value in text:
                long = len(value) >= LONG
                text = text.replace(value, HIDDEN) if long else _word(value).sub(HIDDEN, text)
        return _IN_HEADER.sub(rf"\1\2{HIDDEN}", _IN_ADDRESS.sub(HIDDEN, text))

    return scrub


def _values(folder: Path | None) -> set[str]:
    used, written = _in_yaml(_yaml(folder)) if folder else (frozenset[str](), frozenset[str]())
    values = {value for name, value in os.environ.items() if name in used or _NAMED_SO.search(name)}
    return {value for value in values | written if len(value) >= SHORTEST}


@lru_cache(maxsize=8)
def _in_yaml(yaml: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names of variables of the environment, and values under telling names."""
    return frozenset(_FROM_ENVIRONMENT.findall(yaml)), frozenset(_IN_YAML.findall(yaml))


def _word(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@.-]){re.escape(value)}(?![\w@-]|\.\w)")


def _yaml(folder: Path) -> str:
    try:
        return read_regular(folder / "trueup.yaml").decode("utf-8", "replace")
    except OSError:
        return ""
