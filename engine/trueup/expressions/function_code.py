"""Writes the Python code of an expression: a plain function of the names, which returns its value.

Jinja itself writes a generator that renders text and keeps variables in a context. For a single
value this frame took longer than most values do: a condition on one column took 1.2 µs so, and
takes 0.5 µs as a function.
"""

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, DependencyFinderVisitor, Frame
from jinja2.nodes import EvalContext
from jinja2.runtime import exported


class FunctionCode(CodeGenerator):
    """Writes the function for a template whose body assigns one expression.

    The function looks up each name once. Filters and tests are arguments with defaults, so they are
    looked up when the function is made.
    """

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802 -- Jinja's
        (assignment,) = node.find_all(nodes.Assign)
        expression = assignment.node

        self.writeline(f"from jinja2.runtime import {', '.join(sorted(exported))}")
        self.writeline(f"def evaluate(names{self._filters_and_tests(expression)}):")
        self.indent()
        read = {one.name for one in assignment.find_all(nodes.Name) if one.ctx == "load"}
        for name in sorted(read):
            self._write_name(name)
        self.writeline("return ")
        self.visit(expression, frame or Frame(EvalContext(self.environment)))
        self.outdent()

    def _filters_and_tests(self, expression: nodes.Node) -> str:
        """Gives each filter and test an identifier; returns the arguments that they are."""
        used = DependencyFinderVisitor()
        used.visit(expression)
        arguments = ""
        for identifiers, names, table in (
            (self.filters, used.filters, "filters"),
            (self.tests, used.tests, "tests"),
        ):
            for name in sorted(names):
                identifiers[name] = self.temporary_identifier()
                arguments += f", {identifiers[name]}=environment.{table}[{name!r}]"
        return arguments

    def _write_name(self, name: str) -> None:
        """Writes the look-up of a name, and `row_NAME`: its value where that is a plain dict."""
        undefined = f"environment.undefined(name={name!r})"
        self.writeline(f"l_{name} = names[{name!r}] if {name!r} in names else {undefined}")
        self.writeline(f"row_{name} = l_{name} if l_{name}.__class__ is dict else {{}}")

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:  # noqa: N802 -- Jinja's
        del frame
        self.write(f"l_{node.name}")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 -- Jinja's
        """Writes the parts joined: each is text already, where Jinja would make it so."""
        self.write("''.join((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 -- Jinja's
        """Writes `source.name` as a look-up in the row, without a call where that is a plain dict.

        Rows are, nearly always. A plan reads tens of attributes of each row, and the call costs
        three times the look-up.
        """
        name = repr(node.attr)
        if isinstance(node.node, nodes.Name):
            row, value = f"row_{node.node.name}", f"l_{node.node.name}"
            self.write(f"({row}[{name}] if {name} in {row}")
        else:
            row = value = self.temporary_identifier()
            self.write(f"({row}[{name}] if ({row} := ")
            self.visit(node.node, frame)
            self.write(f").__class__ is dict and {name} in {row}")
        self.write(f" else environment.getattr({value}, {name}))")
