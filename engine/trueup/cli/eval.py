"""`trueup eval MAPPING KEY '{{ … }}'`: evaluates an expression on a real row."""

import sys
from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out
from trueup.cli.parameters import refuse_with
from trueup.model.rule_scopes import RuleOn

if TYPE_CHECKING:
    from trueup.model.explanation import RuleView
    from trueup.operations.evaluate import OpenRow


@click.command(
    "eval",
    short_help="Evaluate an expression on a row.",
    epilog=example(
        "trueup eval customer 'Alpine Dental AG' '{{ source.phone | phone(source.country) }}'",
        "trueup eval subscription f7059e8a",
        "trueup eval customer 'Alpine Dental AG' --rule customer-has-a-phone",
        "trueup eval customer 'Alpine Dental AG' 'after.phone' --on record",
        "trueup eval --filters",
    ),
)
@click.argument("mapping", required=False)
@click.argument("key", required=False)
@click.argument("expression", required=False)
@click.option(
    "--filters", is_flag=True, help="List the filters of expressions, with an example of each."
)
@click.option(
    "--rule", "rule_name", default="", metavar="NAME", help="Evaluate as in this rule; show it."
)
@click.option(
    "--on",
    type=click.Choice([str(one) for one in RuleOn if one is not RuleOn.PLAN]),
    help="Evaluate as in rules of this scope.",
)
@common_with_tenant
def evaluate(  # noqa: PLR0913 -- one for each argument and option
    context: CommandContext,
    mapping: str | None,
    key: str | None,
    expression: str | None,
    *,
    filters: bool,
    rule_name: str,
    on: str | None,
) -> int:
    """Evaluate an expression or a template on the row KEY of MAPPING, and show what it uses.

    KEY may be a unique prefix or the row's name. The source is read; nothing is written. With
    --rule or --on, the expression sees what rules see: for all but rows, a plan is made. --rule
    alone shows what each expression of the rule gives; one on the plan needs no MAPPING and no KEY.

    Without an expression, show the row with its columns, joins and types. Then evaluate one
    expression per line until the input ends: on a terminal with completion by the tab key, where
    Python has the module readline. From a pipe or a file, exit code 1 says that a line failed.
    """
    if filters:
        if mapping:
            raise click.UsageError("--filters lists all filters: it takes no MAPPING and no KEY.")
        refuse_with("--filters", "rule_name", "on")
        return _list_filters(context)
    if rule_name and on:
        raise click.UsageError("--rule has a scope of its own: leave --on out.")
    if rule_name:
        return _evaluate_rule(context, rule_name, mapping, key, expression)
    if not mapping or not key:
        raise click.UsageError("Name the row: MAPPING and KEY.")
    from trueup.operations.evaluate_rules import open_in_scope
    from trueup.render import evaluation as render

    with open_in_scope(context.project(), mapping, key, RuleOn(on or RuleOn.ROW)) as row:
        if expression is not None:
            return _evaluate(context, row, expression)
        if context.json:
            out(render.row_json(row.view()))
            return Exit.DONE
        out(render.row_text(row.view(), context.style))
        return _console(context, row)


def _list_filters(context: CommandContext) -> int:
    from trueup.operations.evaluate import list_filters
    from trueup.render import evaluation as render

    found = list_filters()
    out(render.filters_json(found) if context.json else render.filters_text(found, context.style))
    return Exit.DONE


def _evaluate(context: CommandContext, row: "OpenRow", expression: str) -> int:
    from trueup.render import evaluation as render

    result = row.evaluate(expression)
    out(
        render.evaluation_json(result)
        if context.json
        else render.evaluation_text(result, context.style)
    )
    return Exit.DONE


def _console(context: CommandContext, row: "OpenRow") -> int:
    from trueup.cli.console import Console

    failed = Console(row, context.style).run()
    return Exit.ERROR if failed and not sys.stdin.isatty() else Exit.DONE


def _evaluate_rule(
    context: CommandContext,
    name: str,
    mapping: str | None,
    key: str | None,
    expression: str | None,
) -> int:
    """Evaluates an expression in the scope of a rule, or all expressions of the rule."""
    from trueup.operations import evaluate_rules as operations

    project = context.project()
    rule = operations.find_rule(project, name)
    if not operations.needs_row(rule):
        return _show_rule(context, operations.view_plan_rule(project, rule))
    if not mapping or not key:
        raise click.UsageError("Name the row: MAPPING and KEY.")
    operations.require_about(rule, mapping)
    with operations.open_in_scope(project, mapping, key, rule.on) as row:
        if expression is not None:
            return _evaluate(context, row, expression)
        _show_rule(context, operations.view_rule(project, rule, row))
        return Exit.DONE if context.json else _console(context, row)


def _show_rule(context: CommandContext, rule: "RuleView") -> int:
    from trueup.render.rule_view import rule_json, rule_text

    out(rule_json(rule) if context.json else rule_text(rule, context.style))
    return Exit.DONE


eval = evaluate  # noqa: A001 -- the name of the command
