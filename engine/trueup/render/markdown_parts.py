"""Pieces of Markdown: nothing in the data that Markdown obeys, tables, lists and sections."""

import re
from collections.abc import Iterable, Sequence

from trueup.model.finding import Finding
from trueup.render.sanitize import clip, sanitize

_OBEYED = re.compile(r"([\\`*_\[\]|~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}  # two dollars enclose a formula
_ADDRESS = re.compile(r"(?i)(https?|ftp|mailto)(:)|(www)(\.)")
_MENTION = re.compile(r"([@#])(?=\w)")


def literal(text: object, columns: int = 500) -> str:
    """The text so that Markdown shows it as it is: no link, mention, tag, table or heading."""
    harmless = _MENTION.sub(r"\1\0", _OBEYED.sub(r"\\\1", clip(sanitize(text), columns)))
    harmless = "".join(_ENTITIES.get(letter, letter) for letter in harmless).replace(
        "\0", "<!-- -->"
    )
    return _ADDRESS.sub(_split_address, harmless)


def _split_address(found: re.Match[str]) -> str:
    scheme, colon, www, dot = found.groups()
    return f"{scheme}<!-- -->{colon}" if scheme else f"{www}<!-- -->{dot}"


def code(text: str) -> str:
    """The text as it may stand between backticks."""
    return sanitize(text).replace("`", "'")


def section(title: str, body: str) -> str:
    """The body under a heading; nothing if there is no body."""
    return f"### {title}\n\n{body}" if body else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns whose name ends in a colon are aligned to the right. Nothing without rows."""
    body = [f"| {' | '.join(row)} |" for row in rows]
    names = [name.removesuffix(":") for name in columns]
    marks = [" ---: " if name.endswith(":") else " --- " for name in columns]
    head = [f"| {' | '.join(names)} |", f"|{'|'.join(marks)}|"]
    return "\n".join([*head, *body]) if body else ""


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {line}" for line in lines)


def remedy(finding: Finding) -> str:
    """What to do, behind an arrow; nothing if nothing is to be done."""
    return f" → {literal(finding.advice.brief())}" if finding.remedy else ""
