"""The pages of the documentation: their code, links, headings and tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.support.paths import ROOT

DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_NEEDS = re.compile(r"<!-- needs: (\S+) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """One page."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        return [Block(*found) for found in _FENCE.findall(self.text)]

    @cached_property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return _FENCE.sub("", self.text)

    @cached_property
    def codes(self) -> list[str]:
        """Inline code, outside of blocks; a command may be broken over two lines."""
        return _CODE.findall(re.sub(r"(?<=\S)\n(?=\S)", " ", self.prose))

    @cached_property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    @cached_property
    def anchors(self) -> set[str]:
        return {slug(title) for _, title in _HEADING.findall(self.prose)}

    @cached_property
    def needs(self) -> "Page | None":
        """The page whose examples this one goes on from."""
        found = _NEEDS.search(self.text)
        return Page(DOCS / found[1]) if found else None

    def section(self, title: str) -> str:
        """The prose below a heading, up to the next heading of any level."""
        start = re.search(rf"^#+ {re.escape(title)}\n", self.prose, re.MULTILINE)
        assert start, f"{self} has no section {title}"
        rest = self.prose[start.end() :]
        following = _HEADING.search(rest)
        return rest[: following.start()] if following else rest

    def table(self, title: str) -> list[list[str]]:
        """The cells of the first table below a heading, without its header."""
        return [*_rows(self.section(title))]


def _rows(text: str) -> Iterator[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    for line in lines[2:]:
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def slug(title: str) -> str:
    """The anchor of a heading, as GitHub and Python-Markdown make it."""
    text = re.sub(r"[^\w\s-]", "", title.replace("`", "").lower()).strip()
    return re.sub(r"\s", "-", text)


def named(cell: str) -> list[str]:
    """The names in code in a cell."""
    return _CODE.findall(cell)


def page(name: str) -> Page:
    """A page by its path in docs/."""
    return Page(DOCS / name)


PAGES = [
    *(Page(ROOT / name) for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(Page(path) for path in sorted(DOCS.rglob("*.md"))),
]
