"""Takes secrets out of text that is about to be shown.

This is the last line of defence: no text should hold a secret in the first place.
"""

import os
import re
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
    for value in sorted(_values(folder), key=len, reverse=True):
        text = text.replace(value, HIDDEN) if len(value) >= LONG else _word(value).sub(HIDDEN, text)
    return _IN_HEADER.sub(rf"\1\2{HIDDEN}", _IN_ADDRESS.sub(HIDDEN, text))


def _values(folder: Path | None) -> set[str]:
    yaml = _yaml(folder) if folder else ""
    used = set(_FROM_ENVIRONMENT.findall(yaml))
    values = {value for name, value in os.environ.items() if name in used or _NAMED_SO.search(name)}
    return {value for value in values | set(_IN_YAML.findall(yaml)) if len(value) >= SHORTEST}


def _word(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@.-]){re.escape(value)}(?![\w@-]|\.\w)")


def _yaml(folder: Path) -> str:
    try:
        return read_regular(folder / "trueup.yaml").decode("utf-8", "replace")
    except OSError:
        return ""
