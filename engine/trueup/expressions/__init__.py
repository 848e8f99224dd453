"""Jinja expressions in a sandbox, compiled once, with the types of values kept.

Only expressions are allowed: no statements, no calls, no attributes that begin with an underscore.
Rows are plain dicts, and an attribute is a key: `source.items` is the column `items`, never a
method. An attribute of none is none. A name or key that does not exist raises an error when it is
used.

`evaluate` evaluates one value, `Program` evaluates many in one call, and `inspect` finds what a
text refers to. To follow a text: `syntax.py` parses and checks it, `program.py` compiles it,
with `function_code.py`, `jinja_environment.py` limits what it can do at run time, `namespace.py`
has the names it may use.
"""

from trueup.errors import ExpressionFault
from trueup.expressions.filters import FILTERS, TESTS, as_text
from trueup.expressions.inspection import Inspection, inspect
from trueup.expressions.program import EVALUATION_ERRORS, Every, Implies, Program, evaluate

__all__ = [
    "EVALUATION_ERRORS",
    "FILTERS",
    "TESTS",
    "Every",
    "ExpressionFault",
    "Implies",
    "Inspection",
    "Program",
    "as_text",
    "evaluate",
    "inspect",
]
