"""Each keyword of JSON Schema that the schemas use has a text for people."""

import json

import pytest
from trueup.config.schema_errors import _TEXTS

from tests.support.paths import SCHEMAS

TREATED_ELSEWHERE = {"additionalProperties", "propertyNames", "required"}
"""By `schema_errors`, as findings about keys."""

LANGUAGE = {
    *("$schema", "$ref", "$defs", "title", "description", "default", "examples"),
    *("properties", "items", "allOf", "if", "then", "else"),
    *("const", "errorMessage", "patternErrorMessage", "takenAs", "days"),
}
"""Keywords that raise no errors of their own; `const` stands in conditions only."""


def keywords(schema):
    """Yields the keywords of a schema and of all schemas in it."""
    if not isinstance(schema, dict):
        return
    yield from schema
    for key in ("properties", "$defs"):
        for part in schema.get(key, {}).values():
            yield from keywords(part)
    for key in ("items", "additionalProperties", "propertyNames", "if", "then", "else", "not"):
        yield from keywords(schema.get(key))
    for part in schema.get("allOf", ()):
        yield from keywords(part)


@pytest.mark.parametrize("name", ["project", "mapping", "rules", "decisions"])
def test_every_keyword_has_a_text(name):
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert {*keywords(schema)} <= {*_TEXTS} | TREATED_ELSEWHERE | LANGUAGE
