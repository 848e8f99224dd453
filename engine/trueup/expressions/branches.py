"""The branches of an expression: what an `if`, an `and` or an `or` may evaluate or pass over."""

from functools import lru_cache

from jinja2 import nodes

from trueup.expressions.recording import MARK, is_recording
from trueup.expressions.syntax import parse, parse_anew


def tree(text: str) -> nodes.Expr:
    """Returns the tree of a text; while branches are recorded, one that notes them."""
    return _Marking(text).tree if is_recording() else parse(text)


@lru_cache(maxsize=8_192)
def branches(text: str) -> tuple[str, ...]:
    """Returns what the branches of a text are, by their numbers; 0 is the whole.

    Raises `ExpressionFault` for text that is not an expression.
    """
    names = _Marking(text).names
    several = {name for name in names if names.count(name) > 1}
    numbers = (names[: place + 1].count(name) for place, name in enumerate(names))
    return tuple(
        f"{name} (number {number})" if name in several else name
        for name, number in zip(names, numbers, strict=True)
    )


class _Marking:
    """The tree of a text with a mark around each branch."""

    def __init__(self, text: str) -> None:
        self._text, self.names = text, ["never evaluated"]
        root = parse_anew(text)
        level: list[nodes.Node] = [root]
        while level:
            below = [child for node in level for child in node.iter_child_nodes()]
            for node in level:
                self._mark_branches(node)
            level = below
        self.tree = self._marked(root, 0)

    def _mark_branches(self, node: nodes.Node) -> None:
        number = len(self.names)
        match node:
            case nodes.CondExpr():
                self.names += ["an `if` is never true", "an `if` is never false"]
                node.expr1 = self._marked(node.expr1, number)
                node.expr2 = self._marked(node.expr2 or nodes.Const(None), number + 1)
            case nodes.And():
                self.names.append("what follows an `and` is never evaluated")
                node.right = self._marked(node.right, number)
            case nodes.Or():
                self.names.append("what follows an `or` is never evaluated")
                node.right = self._marked(node.right, number)
            case _:
                pass

    def _marked(self, node: nodes.Expr, number: int) -> nodes.Expr:
        arguments: list[nodes.Expr] = [nodes.Const(self._text), nodes.Const(number)]
        return nodes.Filter(node, MARK, arguments, [], None, None)
