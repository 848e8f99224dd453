"""Pieces of Markdown: escaped text, tables, lists and sections."""

import re
from collections.abc import Iterable, Sequence

from trueup.model.finding import Finding
from trueup.render.sanitize import clip, sanitize

_OBEYED = re.compile(r"([\\`*_\[\]|~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}  # two dollars enclose a formula
_ADDRESS = re.compile(r"(?i)(https?|ftp|mailto)(:)|(www)(\.)")
_MENTION = re.compile(r"([@#])(?=\w)")


def literal(text: object, columns: int = 500) -> str:
    """Returns the text escaped, so that it makes no link, mention, tag, table or heading."""
    harmless = _MENTION.sub(r"\1\0", _OBEYED.sub(r"\\\1", clip(sanitize(text), columns)))
    harmless = "".join(_ENTITIES.get(letter, letter) for letter in harmless).replace(
        "\0", "<!-- -->"
    )
    return _ADDRESS.sub(_split_address, harmless)


def _split_address(found: re.Match[str]) -> str:
    scheme, colon, www, dot = found.groups()
    return f"{scheme}<!-- -->{colon}" if scheme else f"{www}<!-- -->{dot}"


def code(text: str) -> str:
    """Returns the text for a code span."""
    return sanitize(text).replace("`", "'")


def section(title: str, body: str) -> str:
    """Returns the body under a heading; "" if there is none."""
    return f"### {title}\n\n{body}" if body else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table; columns whose name ends in a colon are right-aligned. "" without rows."""
    body = [f"| {' | '.join(row)} |" for row in rows]
    names = [name.removesuffix(":") for name in columns]
    marks = [" ---: " if name.endswith(":") else " --- " for name in columns]
    head = [f"| {' | '.join(names)} |", f"|{'|'.join(marks)}|"]
    return "\n".join([*head, *body]) if body else ""


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {line}" for line in lines)


def remedy(finding: Finding) -> str:
    """Returns the remedy, behind an arrow; "" if there is none."""
    return f" → {literal(finding.advice.brief())}" if finding.remedy else ""
