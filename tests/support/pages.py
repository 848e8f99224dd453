"""Reads an HTML page as a browser would: elements with attributes, and text."""

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

VOID = frozenset({"meta", "br", "hr", "img", "input", "link", "base", "source", "embed"})


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.builder, self.open = ET.TreeBuilder(), []

    def handle_starttag(self, tag, attrs):
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        self.builder.end(tag)

    def handle_data(self, data):
        if self.open:
            self.builder.data(data)


def parsed(page):
    """The root element of a page. Fails where elements are not closed in their order."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser.builder.close()


def text_of(element):
    """All text of an element, with single spaces."""
    return " ".join("".join(element.itertext()).split())


def classes(element):
    """The classes of an element."""
    return element.get("class", "").split()


def section(root, title):
    """The section under a heading; None where there is none."""
    for one in root.iter("section"):
        heading = one.find("h2")
        if heading is not None and text_of(heading) == title:
            return one
    return None


def rows(table):
    """The rows of a table: the name of each, and its cells by the heading above them."""
    heads = [text_of(cell) for cell in table.find("thead/tr")]
    parts = [part for part in table if part.tag in {"tbody", "tfoot"}]
    return [dict(zip(heads, map(text_of, row), strict=True)) for part in parts for row in part]
