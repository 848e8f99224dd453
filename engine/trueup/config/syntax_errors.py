"""The parser's errors about YAML in plain words, at the place of the mistake."""

import re

import yaml
from msgspec.structs import replace

from trueup.config.yaml_events import Lines, yaml_error
from trueup.model.finding import Finding, Place

_QUOTES = 'inside double quotes write \\" for ", or use single quotes outside'
_KINDS = (
    # problem of the parser, what is wrong, what to do
    (
        "did not find expected key",
        "this does not fit the lines above: it is indented differently, or follows a closing quote",
        f"indent it like the keys beside it; {_QUOTES}",
    ),
    (
        "could not find expected ':'",
        "a key without `:`",
        "write `key: value`; indent text that continues the line above",
    ),
    (
        "mapping values are not allowed in this context",
        "a `:` where no key can be",
        (
            "indent it like the keys beside it, end the key above with `:`, "
            "or put the text into quotes"
        ),
    ),
    (
        "did not find expected '-' indicator",
        "a key in the middle of a list",
        "begin it with `-`, or indent it like the key of the list",
    ),
    (
        "block sequence entries are not allowed in this context",
        "a list item on the line of its key",
        "begin the list on a line of its own",
    ),
    (
        "found character that cannot start any token",
        "a value cannot begin with this character",
        "put the value into quotes",
    ),
    ("found unknown escape character", "an unknown escape after `\\`", "use single quotes"),
    (
        "did not find expected <document start>",
        "this stands outside of what came before it",
        "indent it like the keys above; remove `---` and `...`",
    ),
    (
        "mapping keys are not allowed in this context",
        "a `?` where no key can be",
        "put the text into quotes",
    ),
)
_CONTEXTS = (
    # a part of what the parser was doing, what is wrong, what to do
    (
        "flow node",
        "a value is missing inside of [ ] or { }",
        "write one, put its text into quotes, or close the bracket",
    ),
    ("block node", "a value cannot begin with this character", "put the value into quotes"),
    (
        "block scalar",
        "the text that `|` or `>` begins is not on lines of its own",
        "begin it on the next line, indented, or put the value into quotes",
    ),
    ("anchor", "`&` is followed by no name", "put the value into quotes"),
    ("alias", "`*` is followed by no name", "put the value into quotes"),
    ("directive", "a line begins with `%`", "put the text into quotes, or indent it"),
    ("tag", "`!` is followed by no type", "put the value into quotes"),
    ("plain scalar", "a `:` beside a bracket or a comma", "put the text into quotes"),
    ("quoted scalar", "an unknown escape after `\\`", "use single quotes"),
)
_OPEN = re.compile(r"did not find expected ',' or '(.)'")
_TAB_BEFORE_KEY = re.compile(r"( *)\t\s*(?:- |[^\s#]+:(?:\s|$))")
"""A key or an item that is indented with a tab."""

_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_INVISIBLE = frozenset("\x85\u2028\u2029")
"""What ends a line for YAML 1.1 besides the ends of lines that editors show."""

_SCANNING = "while scanning"
"""What is scanned begins where the mistake is: the problem is noticed only at what follows."""


def syntax_error(error: yaml.MarkedYAMLError, text: str, file: str) -> Finding:
    """The finding for an error of the parser in the text of a file."""
    problem, mark = error.problem or "", error.problem_mark or error.context_mark
    opened = _OPEN.match(problem)
    is_begun = (error.context or "").startswith(_SCANNING) or opened
    if error.context_mark and is_begun:
        mark = error.context_mark
    if mark is None:
        return yaml_error(f"broken YAML: {problem}", Place(file))

    lines = Lines(text, file)
    place = lines.place(mark.index)
    if unseen := _invisible_break(text, mark.line, lines):
        return unseen
    if opened:
        return yaml_error(
            f"broken YAML: this is not closed with `{opened[1]}`, or an item lacks its `,`",
            place,
            f"put text that holds {{ }} [ ] or `,` into quotes; close it with `{opened[1]}`",
        )
    if error.context == "while scanning a quoted scalar":
        return yaml_error("broken YAML: this quote is not closed", place, _QUOTES)
    if tab := _tab(lines, (error.problem_mark or mark).index):
        return tab
    plain, remedy = _in_words(error.context or "", problem)
    return yaml_error(f"broken YAML: {plain}", place, remedy)


def _tab(lines: Lines, offset: int) -> Finding | None:
    """Returns the finding for a tab at the problem, or that indents the line of the problem.

    In the lines around it a tab may be allowed, as a part of a text that `|` begins.
    """
    place, line = lines.place(offset), lines.at(offset)
    if line[place.column - 1 : place.column] != "\t":
        indented = _TAB_BEFORE_KEY.match(line)
        if not indented:
            return None
        place = replace(place, column=indented.end(1) + 1)
    return yaml_error("a tab where YAML requires spaces", place, "indent with spaces")


def _invisible_break(text: str, line: int, lines: Lines) -> Finding | None:
    """Returns the finding for a character just before that line which ends a line for YAML only.

    Editors do not show it as the end of a line, so that a comment seems to go on after it.
    """
    breaks = [*_BREAKS.finditer(text)]
    for found in breaks[max(line - 2, 0) : line]:
        if found[0] in _INVISIBLE:
            place = lines.place(found.start())
            name = f"U+{ord(found[0]):04X}"
            return yaml_error(f"the character {name} ends the line for YAML", place, "remove it")
    return None


def _in_words(context: str, problem: str) -> tuple[str, str]:
    """Returns fault and remedy for an error of the parser; else the parser's own words."""
    kinds = ((plain, remedy) for known, plain, remedy in _KINDS if problem == known)
    contexts = ((plain, remedy) for part, plain, remedy in _CONTEXTS if part in context)
    whole = ", ".join(part for part in (context, problem) if part)
    return next(kinds, None) or next(contexts, (whole, ""))
