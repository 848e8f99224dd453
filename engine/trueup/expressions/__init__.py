"""Jinja expressions, sandboxed, compiled once, types kept.

Only expressions: no statements, no calls, no attributes that begin with an underscore. Rows are
plain dicts and an attribute is a key, so `source.items` is the column `items` and never a method.
An attribute of none is none; a name or key that does not exist is an error when it is used.
"""

from engine.errors import ExpressionFault
from engine.expressions.filters import FILTERS, TESTS, as_text
from engine.expressions.program import EVALUATION_ERRORS, Implies, Program, evaluate
from engine.expressions.syntax import Inspection, inspect

__all__ = [
    "EVALUATION_ERRORS",
    "FILTERS",
    "TESTS",
    "ExpressionFault",
    "Implies",
    "Inspection",
    "Program",
    "as_text",
    "evaluate",
    "inspect",
]
