"""The expressions of a mapping with their results on one row."""

from collections.abc import Mapping
from typing import Any

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.used_values import used_values
from trueup.model.explanation import Formula
from trueup.model.mapping import MappingSpec, Value
from trueup.planning.context import PlanContext


def formula(
    context: PlanContext, mapping: MappingSpec, value: Value, names: Mapping[str, Any]
) -> Formula:
    """One value of a mapping on a row; `names` are those of the row."""
    uses = used_values([value.raw], mapping, context.project.catalogue, names)
    text = str(value.raw) if value.is_code else ""
    try:
        return Formula(value.place, text, evaluate(value.raw, names), uses=uses)
    except EVALUATION_ERRORS as fault:
        return Formula(value.place, text, None, str(fault), uses)
