"""The parts of reference pages that are generated from the code.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`. `python -m tests.docs` writes
all of them again; `test_generated.py` compares them with the code.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import cleandoc, isclass, isfunction, signature
from textwrap import fill
from typing import Any

import click
import trueup as package
from trueup.cli.main import trueup
from trueup.expressions import filters as expressions
from trueup.expressions.filter_reference import described, filter_reference
from trueup.model.rule_scopes import RuleOn, fact_names, scope
from trueup.sandbox.autotask import switches

from tests.support.paths import ROOT, SCHEMAS

DOCS = ROOT / "docs"
PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(page: str) -> str:
    """Returns the text of a page with its generated parts written anew."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", page)


def wrapped(text: str) -> str:
    """Returns a paragraph in lines of at most 100 characters."""
    return fill(text, 100, break_long_words=False, break_on_hyphens=False)


def table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """Returns a Markdown table; a pipe inside a cell is escaped."""
    lines = [header, tuple("---" for _ in header), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


# Commands


def commands() -> str:
    """Every command with its text, arguments, options and examples."""
    return "\n".join(_command(path, command) for path, command in leaves(trueup, ()))


def leaves(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yields all commands that are no groups, with the words that call them."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(click.Context(command)):
        yield from leaves(command.commands[name], (*path, name))


COMMON = ("--project", "--json", "--no-color", "--verbose", "--help")


def _command(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(("trueup", *path)))
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    options = [
        record
        for param in command.get_params(context)
        if isinstance(param, click.Option)
        and not set(COMMON).intersection(param.opts)
        and (record := param.get_help_record(context))
    ]
    parts = [f"### trueup {' '.join(path)}\n", f"`{usage}`\n", _help(command)]
    if options:
        rows = ((f"`{flags}`", " ".join(text.split())) for flags, text in options)
        parts.append(table(("option", "effect"), rows))
    if example := _example(command):
        parts.append(f"```sh\n{example}\n```\n")
    return "\n".join(parts)


def _help(command: click.Command) -> str:
    """The text of --help: paragraphs as lines, and lists, which click marks with \\b, as lists."""
    blocks = []
    for block in cleandoc(command.help or "").split("\n\n"):
        if block.startswith("\b\n"):
            entries: list[str] = []
            for line in block.removeprefix("\b\n").splitlines():
                if line.startswith(" "):
                    entries[-1] += f" {line.strip()}"
                else:
                    word, _, text = line.strip().partition(" ")
                    entries.append(f"- `{word}`: {text.strip()}")
            blocks.append("\n".join(entries))
        else:
            blocks.append(wrapped(block))
    return "\n\n".join(blocks) + "\n"


def _example(command: click.Command) -> str:
    lines = (command.epilog or "").replace("\b\n", "").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip() and line != "Example:")


# Configuration

Json = Mapping[str, Any]

LIST = "[]"
"""Stands in a path for each entry of a list."""

KINDS = {
    "field": "[field](#fields)",
    "keys": "[fields](#fields) by name",
    "expression": "expression",
    "scalar": "value",
    "names": "name: name",
    "defaults": "[keys of a tenant](#fleetyaml)",
}
"""Definitions of the schemas that have a word of their own, and are not spelled out."""


def schema(name: str) -> Json:
    """Returns one of the JSON Schemas of project files."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def keys(name: str) -> str:
    """Every key of one kind of file, with its type, default and description."""
    document = schema(name)
    return table(("key", "value", "meaning"), _key_rows(document, document, ""))


def field_keys() -> str:
    """The keys of a field of a mapping."""
    document = schema("mapping")
    return table(("key", "value", "meaning"), _key_rows(document, document["$defs"]["field"], ""))


def key_paths(name: str) -> list[str]:
    """The paths of all keys that `keys` lists."""
    document = schema(name)
    return [row[0].strip("`") for row in _key_rows(document, document, "")]


def _key_rows(document: Json, node: Json, path: str) -> Iterator[tuple[str, ...]]:
    seen: set[str] = set()
    for required, key, part in _properties(node):
        here = f"{path}{key}" if key == LIST else f"{path}.{key}" if path else key
        reference = str(part.get("$ref", ""))
        # The keys of a part that is described elsewhere are listed there.
        name = reference.rpartition("/")[2] if reference.startswith("#/$defs/") else ""
        spelled = {**document["$defs"][name], **part} if name and name not in KINDS else part
        if here not in seen and key != LIST:
            seen.add(here)
            text = _meaning(here, spelled, required=required)
            yield f"`{_without_connector(here)}`", _kind(document, spelled, name), text
        if name not in KINDS and spelled is not True:
            yield from _key_rows(document, spelled, here)


_BY_NAME = ("/join", "/tenant", "/secret")
"""Definitions of entries that have names."""


def _properties(node: Json) -> Iterator[tuple[bool, str, Json]]:
    """The keys of an object, also of its variants and of the entries of a list."""
    required = set(node.get("required", ()))
    for key, part in node.get("properties", {}).items():
        if "not" not in (part if isinstance(part, dict) else {}):
            yield key in required, key, part if isinstance(part, dict) else {}
    for branch in node.get("allOf", ()):
        if "connector" in str(branch.get("if")):
            yield from _connector_properties(branch)
    inside = node.get("items")
    if isinstance(inside, dict) and inside.get("type") != "string":
        yield False, LIST, inside.get("then", inside)
    more = node.get("additionalProperties")
    named = str(more.get("$ref")) if isinstance(more, dict) else ""
    if isinstance(more, dict) and ("properties" in more or named.endswith(_BY_NAME)):
        yield False, "NAME", more


def _connector_properties(branch: Json) -> Iterator[tuple[bool, str, Json]]:
    """The keys that one connector has."""
    connector = branch["if"]["properties"]["connector"]["const"]
    for required, key, part in _properties(branch["then"]):
        if key != "connector":
            yield required, f"({connector}).{key}", part


def _kind(document: Json, part: Json, name: str) -> str:
    if name in KINDS:
        return KINDS[name]
    if "const" in part:
        return f"`{part['const']}`"
    if choices := part.get("enum") or part.get("examples"):
        return ", ".join(f"`{choice}`" for choice in choices)
    kind = part.get("type", "object")
    kinds = [kind] if isinstance(kind, str) else [one for one in kind if one != "null"]
    if kinds == ["array"] and isinstance(items := part.get("items"), dict):
        return "list of texts" if items.get("type") == "string" else "list"
    if part.get("format") == "date":
        return "date"
    words = {"string": "text", "object": "mapping", "array": "list", "boolean": "true or false"}
    return " or ".join(words.get(one, one) for one in kinds)


CONNECTOR = re.compile(r"\(([a-z]+)\)\.")


def _without_connector(path: str) -> str:
    return CONNECTOR.sub("", path)


MEANINGS = {
    "value": "A literal, an expression or a template.",
    "source.connector": "Which connector reads Work 365.",
    "source.(dataverse).tenant": "The Entra tenant, by name or id.",
    "source.(dataverse).client_id": "The application's id.",
    "target.connector": "Which connector writes to Autotask.",
    "target.(autotask).username": "The API user's name.",
    "target.(sandbox).username": "Accepted and not used: the sandbox of a project has its own.",
    "target.(sandbox).secret": "As above.",
    "target.(sandbox).integration_code": "As above.",
    "target.(sandbox).workers": "As with `autotask`.",
    "target.(sandbox).timeout": "As with `autotask`.",
    "target.(sandbox).deadline": "As with `autotask`.",
    "state.connector": "Which connector keeps the state.",
    "state.path": "The file, relative to the project.",
    "settings.setup_fee": "Billed once for a new contract; none or 0 for no fee.",
    "settings.default_charge_type": "The period type of one-off products, such as One-Time.",
    "settings.default_billing_preference": "Of new contracts, such as Manually.",
    "settings.default_refund_product": "Named where a decrease owes a credit: [refunds](#refunds).",
    "settings.billing_codes.products": "Of one-off products.",
    "settings.billing_codes.services": "Of services; its use type is Recurring Contract Service.",
    "settings.billing_codes.setup_fee": "Of setup fees. Needed where `setup_fee` is set.",
    "policy.increase.on": "The day, as above.",
    "policy.decrease.on": "The day, as above.",
    "policy.overrides[].increase.on": "The day, as above.",
    "policy.overrides[].decrease.on": "The day, as above.",
    "policy.overrides[].included": "As `policy.included`, for these rows.",
    "policy.overrides[].minimum": "As `policy.minimum`, for these rows.",
    "policy.overrides[].rounding": "As `policy.rounding`, for these rows.",
    "policy.overrides[].ceiling": "As `policy.ceiling`, for these rows.",
    "policy.overrides[].refund": "As `policy.refund`, for these rows.",
    "source.table": "A table of `schemas/work365.yaml`.",
    "source.where": "Which of its rows the mapping is about.",
    "source.join": "Rows of other tables, seen as `related.NAME`.",
    "source.join.NAME.table": "The table that is joined.",
    "source.join.NAME.one": "The first such row, or none, instead of a list.",
    "target": "The records that the rows become.",
    "target.where.NAME": "A value, an expression, or the records that a mapping is linked to.",
    "target.entity": "An entity of `schemas/autotask.yaml`.",
    "match[].by": "The fields of this key, where it has a strength of its own.",
    "repeat.when": "When this way is used.",
    "repeat.by": "The entity that creates the further record.",
    "repeat.set": "Values that are sent in addition.",
    "ledger.quantity": "What should be billed.",
    "ledger.units.entity": "The entity with the unit rows.",
    "ledger.units.value": "Its field with the units.",
    "ledger.price.per.ref": "The mapping whose record has the period.",
    "ledger.price.per.field": "The field of that record.",
    "append.merge": "Which changes become one.",
    "append.merge.on": "Fields whose values must be the same.",
    "append.proof": "The records that prove a write.",
    "append.proof.entity": "Their entity.",
    "append.proof.on": "Field of that entity: field of the change.",
    "append.proof.rows": "The fields that are read and kept as proof.",
    "write_back.set": "Column: value.",
    "write_back.when": "Only where this is true.",
    "write_back.after": "`proof`: only after the adjustment is proven.",
    "rules": "The rules of the file.",
    "decisions": "The decisions of the project.",
    "decisions[].mapping": "The mapping of the row.",
    "decisions[].reason": "Why, for those who read it later. Required with `ignore`.",
    "notes": "The notes of the project.",
    "notes[].mapping": "The mapping of the row.",
}
"""Meanings of keys that have no description in their schema."""


def _meaning(path: str, part: Json, *, required: bool) -> str:
    text = str(part.get("description", "")).strip() or MEANINGS.get(path, "")
    default = part.get("default")
    connector = CONNECTOR.search(path)
    notes = [f"With `{connector[1]}`."] if connector else []
    notes += ["Required."] if required else []
    if default is not None:
        notes.append(f"Default: `{json.dumps(default) if isinstance(default, bool) else default}`.")
    return " ".join([text.replace("<", "&lt;"), *notes]).strip()


# Expressions

TEST_TEXTS = {
    "defined": "The name exists.",
    "undefined": "The name does not exist.",
    "none": "It is none.",
    "in": "It is contained in a list or a text.",
    "eq": "Equal; also written `equalto` and `==`.",
    "ne": "Not equal; also `!=`.",
    "lt": "Less; also `<`.",
    "le": "Less or equal; also `<=`.",
    "gt": "Greater; also `>`.",
    "ge": "Greater or equal; also `>=`.",
    "true": "It is `true` itself.",
    "false": "It is `false` itself.",
    "string": "It is text.",
}
"""Texts of tests that are taken from Jinja."""

SAME = {"equalto", "==", "!=", "<", "<=", ">", ">="}
"""Other names of tests."""


def filters() -> str:
    """Every filter with its arguments and an example."""
    rows = (
        (f"`{one.name}{one.arguments}`", one.text, f"`{one.example}` → `{one.result}`")
        for one in filter_reference()
    )
    return table(("filter", "effect", "example"), rows)


def tests() -> str:
    """Every test."""
    rows = (
        (f"`is {name}`", TEST_TEXTS.get(name) or described(function))
        for name, function in expressions._TESTS.items()
        if name not in SAME
    )
    return table(("test", "true if"), rows)


def scopes() -> str:
    """What expressions see, by the scope of a rule."""
    rows = ((f"`{on}`", ", ".join(f"`{name}`" for name in _names(on))) for on in RuleOn)
    return table(("`on:`", "names"), rows)


def _names(on: RuleOn) -> Iterator[str]:
    offered = scope(on)
    if offered.row:
        yield from ("source.<column>", "related.<join>")
    if offered.record:
        yield from ("before.<field>", "after.<field>")
    if offered.refs:
        yield "refs.<mapping>.<field>"
    if offered.facts:
        yield from (f"{offered.name}.{name}" for name in fact_names(offered.facts))
    yield "settings.<name>"
    if offered.name != "plan":
        yield "plan.as_of"


# Python


def python_functions() -> str:
    """The functions of `trueup`, with the first sentence of each."""
    found = {name: getattr(package, name) for name in package.__all__}
    rows = (
        (f"`{name}({', '.join(signature(function).parameters)})`", _first_sentence(function))
        for name, function in found.items()
        if isfunction(function)
    )
    return table(("function", "result"), rows)


def python_types() -> str:
    """The types of `trueup`, with the first sentence of each."""
    found = {name: getattr(package, name) for name in package.__all__}
    rows = ((f"`{name}`", _first_sentence(kind)) for name, kind in found.items() if isclass(kind))
    return table(("type", "what it is"), rows)


def _first_sentence(thing: object) -> str:
    return " ".join(cleandoc(thing.__doc__ or "").split("\n\n")[0].split())


# The sandbox


def sandbox_switches() -> str:
    """Every switch of the Autotask sandbox; the first value is the default."""
    rows = (
        (f"`{one.name}`", ", ".join(f"`{choice}`" for choice in one.choices), one.why)
        for one in switches.ALL
    )
    return table(("switch", "values", "why"), rows)


@dataclass(frozen=True)
class _Keys:
    """Generates the keys of one kind of file."""

    name: str

    def __call__(self) -> str:
        return keys(self.name)


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "project-keys": _Keys("project"),
    "mapping-keys": _Keys("mapping"),
    "field-keys": field_keys,
    "rules-keys": _Keys("rules"),
    "decisions-keys": _Keys("decisions"),
    "fleet-keys": _Keys("fleet"),
    "notes-keys": _Keys("notes"),
    "test-keys": _Keys("test"),
    "test-defaults-keys": _Keys("test_defaults"),
    "filters": filters,
    "tests": tests,
    "scopes": scopes,
    "switches": sandbox_switches,
    "python-functions": python_functions,
    "python-types": python_types,
}
