"""Parses the text of an expression or template into a checked tree.

`parse` returns Jinja's tree for one expression, or a concatenation for a template. Everything that
expressions must not do is refused here, except for what only shows at run time; that is refused in
`jinja_environment.py`.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes

from trueup.errors import ExpressionFault
from trueup.expressions.foreign_operators import find_foreign_operator
from trueup.expressions.jinja_environment import ENVIRONMENT

ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Const,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
    nodes.Concat,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
)
"""The only nodes that an expression may have."""

_REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.Pow: "`**` is not allowed; multiply instead (a * a)",
    nodes.Slice: "`[from:to]` is not allowed; filters are (a | slice(0, 2))",
}
"""What to report about nodes that people write because Jinja has them."""

_STATEMENTS: Mapping[type[nodes.Node], str] = {
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.FromImport: "from",
    nodes.Scope: "autoescape",
}
"""The words of statements that Jinja's own names differ from."""

_LONGEST_TEXT = 10_000
_LARGEST = 10**40

_RAW_AT_END = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}$")
"""The beginning of a raw part with nothing after it: Jinja drops it, and does not miss its end."""

DEEPEST = 60
"""The most levels of an expression. Python nests 200 parentheses, and a level may take three."""


@lru_cache(maxsize=8_192)
def parse(text: str) -> nodes.Expr:
    """Returns the tree of the one expression in the text, or of a template as a concatenation.

    Raises `ExpressionFault` for text that is not an expression, or not an allowed one. The tree is
    shared: it must not be changed.
    """
    return parse_anew(text)


def parse_anew(text: str) -> nodes.Expr:
    """As `parse`, with a tree of its own."""
    if len(text) > _LONGEST_TEXT:
        raise ExpressionFault(f"longer than {_LONGEST_TEXT:,} characters")

    parts = [_checked(part, text) for part in _parts(text)]
    if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData):
        return parts[0]
    return nodes.Concat([_to_text(part) for part in parts])


def is_bare(text: str) -> bool:
    """Returns whether the text is one expression with nothing around it."""
    return len(_parts(text)) == 1


def _parts(text: str) -> list[nodes.Expr]:
    """Returns the expressions in the text and the text between them."""
    try:
        body = ENVIRONMENT.parse(text.strip()).body
    except TemplateSyntaxError as fault:
        if foreign := find_foreign_operator(text):
            raise ExpressionFault(*foreign) from fault
        message = _plain_message(fault.message or "cannot be read")
        raise ExpressionFault(message, _offset(text, fault.lineno)) from fault
    except RecursionError as fault:
        raise ExpressionFault("nested too deeply") from fault
    except ValueError as fault:
        raise ExpressionFault("holds a number that is too long") from fault
    if _RAW_AT_END.search(text.strip()):
        raise ExpressionFault(_UNCLOSED_RAW)

    parts: list[nodes.Expr] = []
    for node in body:
        if not isinstance(node, nodes.Output):
            word = _STATEMENTS.get(type(node), type(node).__name__.lower())
            message = f"{word}: statements and loops are not allowed"
            raise ExpressionFault(message, _offset(text, node.lineno))
        parts.extend(node.nodes)
    return parts


_UNCLOSED_RAW = "`{% raw %}` is not closed with `{% endraw %}`"

_PLAIN = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"expected an expression, got `}}`", "an expression is missing before `}}`"),
        (r"unexpected end, expected `}}`", "`{{` is not closed with `}}`"),
        (r"unexpected (`}}`|end)", r"something is missing before \1"),
        (r"unexpected '}'$", "unexpected `}`: an expression ends with `}}`"),
        (r"unexpected '}', expected '(.)'", r"`\1` is missing before `}}`"),
        (r"unexpected char \"'\" at \d+", "a quote is not closed"),
        (r"unexpected char '(.)' at \d+", r"`\1` cannot stand here"),
        (r"unexpected '(.+)'", r"unexpected `\1`"),
        (r"expected token `}}`, got '(.+)'", r"an operator, `|` or `}}` is missing before `\1`"),
        (r"expected token 'name', got (.+)", r"a name is missing before \1"),
        (r"expected token '(.+)', got (.+)", r"`\1` is missing before \2"),
        (r"expected name or number", "a name is missing after `.`"),
        (r"missing end of comment tag", "`{#` is not closed with `#}`"),
        (r"missing end of raw directive", _UNCLOSED_RAW),
    )
)
"""Jinja's messages, and what they mean."""


def _plain_message(message: str) -> str:
    """Returns Jinja's message in plain words, with the signs that the text has."""
    for name, sign in (("end", "}}"), ("begin", "{{")):
        message = message.replace(f"'{name} of print statement'", f"`{sign}`")
    message = message.replace("'end of template'", "end").replace("end of template", "end")
    message = message[:1].lower() + message[1:].removesuffix(".")
    for pattern, plain in _PLAIN:
        if found := pattern.match(message):
            return found.expand(plain)
    return message


def _offset(text: str, line: int) -> int:
    """Returns where a line of the stripped text begins in the text, in characters."""
    stripped = len(text) - len(text.lstrip())
    ends = [match.end() for match in re.finditer(r"\r\n|\r|\n", text[stripped:])]
    return stripped + (ends[min(line - 1, len(ends)) - 1] if ends and line > 1 else 0)


def _to_text(part: nodes.Expr) -> nodes.Expr:
    if isinstance(part, nodes.TemplateData):
        return nodes.Const(part.data)
    return nodes.Filter(part, "_text", [], [], None, None)


def _checked(part: nodes.Expr, text: str) -> nodes.Expr:
    """Returns the part with all its nodes checked and adapted, level by level.

    Raises `ExpressionFault` for a node that is not allowed.
    """
    if isinstance(part, nodes.TemplateData):
        return part

    level: list[nodes.Node] = [part]
    for _ in range(DEEPEST):
        for node in level:
            if message := _refusal(node):
                raise ExpressionFault(message, _offset(text, node.lineno))
        # Adapting adds nodes of its own, which need no check.
        below = [child for node in level for child in node.iter_child_nodes()]
        for node in level:
            _adapt(node)
        level = below
    if level:
        message = f"nested deeper than {DEEPEST} levels"
        raise ExpressionFault(message, _offset(text, level[0].lineno))
    return part


def _refusal(node: nodes.Node) -> str:
    """Returns why a node is not allowed, or an empty text."""
    if isinstance(node, nodes.Call):
        return "calls are not allowed; filters are (a | lower)"
    if not isinstance(node, ALLOWED):
        word = type(node).__name__.lower()
        return _REFUSED.get(type(node), f"{word} is not allowed in an expression")

    name = node.attr if isinstance(node, nodes.Getattr) else getattr(node, "name", "")
    if isinstance(name, str) and (name.startswith("_") or name == "self"):
        return f"{name} is not accessible"
    if isinstance(node, nodes.Const) and isinstance(node.value, int | float):
        return "holds a number that is too large" if abs(node.value) >= _LARGEST else ""
    return ""


def _adapt(node: nodes.Node) -> None:
    """Makes a node do what expressions of mappings promise, where Jinja does something else.

    Numbers with a point are decimals, an `if` without `else` has none as its `else`, and `~` writes
    its values as a template does.
    """
    if isinstance(node, nodes.Concat):
        node.nodes = [_to_text(part) for part in node.nodes]
    if isinstance(node, nodes.CondExpr) and node.expr2 is None:
        node.expr2 = nodes.Const(None, lineno=node.lineno)
    if isinstance(node, nodes.Const) and isinstance(node.value, float):
        node.value = Decimal(str(node.value))
