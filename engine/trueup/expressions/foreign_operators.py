"""Operators of other languages in an expression, and what to write instead."""

import re
from collections.abc import Iterator

_INSTEAD = {
    "||": "`a or b`",
    "&&": "`a and b`",
    "??": "`a or b`, or the filter `default`",
    "?.": "`.`: a row that is not there gives none",
    "===": "`a == b`",
    "!==": "`a != b`",
    "<>": "`a != b`",
    "=>": "`a >= b`",
    "++": "`a + 1`",
    "?": "`a if condition else b`",
    "!": "`not a`",
    "=": "`a == b` to compare",
}
_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    r"|(?P<known>==|!=|<=|>=|//|\*\*)"
    r"|(?P<foreign>===|!==|\|\||&&|\?\?|\?\.|<>|=>|\+\+|\?|!|=)",
    re.DOTALL,
)
_ALIKE = ("===", "!==")  # begin with a known operator, so they are looked for first
_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def find_foreign_operator(text: str) -> tuple[str, int] | None:
    """Returns a message about the first foreign operator in the text, and its offset in characters.

    Only for text that cannot be read as an expression: `=` also stands before the arguments of a
    filter. Text in quotes is left out. Returns None if there is no such operator.
    """
    for start, expression in _expressions(text):
        for match in _TOKEN.finditer(expression):
            sign = next(
                (one for one in _ALIKE if expression.startswith(one, match.start())),
                match["foreign"],
            )
            if sign and not match["text"] and not _is_argument(expression, sign, match.start()):
                return f"`{sign}` is not an operator here: write {_INSTEAD[sign]}", (
                    start + match.start()
                )
    return None


def _expressions(text: str) -> Iterator[tuple[int, str]]:
    if "{{" not in text:
        yield 0, text
    for match in _EXPRESSION.finditer(text):
        yield match.start(1), match[1]


def _is_argument(expression: str, sign: str, position: int) -> bool:
    """Whether `=` names an argument: `default(value=1)`."""
    before = expression[:position]
    return sign == "=" and before.count("(") > before.count(")")
