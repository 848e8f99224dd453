"""Generated parts of the reference are what the code generates."""

import re

import pytest

from tests.docs.generated import PART, PARTS, refreshed
from tests.docs.pages import PAGES

PLACES = {name: page for page in PAGES for _, name, _ in PART.findall(page.text)}


@pytest.mark.parametrize("page", [*dict.fromkeys(PLACES.values())], ids=str)
def test_generated_parts_are_up_to_date(page):
    assert refreshed(page.text) == page.text, "run `python -m tests.docs`"


def test_every_part_is_on_a_page():
    assert PLACES.keys() == PARTS.keys()


@pytest.mark.parametrize("name", PARTS)
def test_every_line_of_a_table_has_a_meaning(name):
    lines = [line for line in PARTS[name]().splitlines() if line.startswith("| `")]

    bare = re.compile(r"(With `\w+`\.)?\s*(Required\.)?\s*(Default: `.*`\.)?")
    without = [line for line in lines if bare.fullmatch(re.split(r"(?<!\\)\|", line)[-2].strip())]

    assert without == []
