"""Paths to fields, as mappings write them."""

import pytest
from trueup.model.mapping import FieldPath


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("unitPrice", ("", "unitPrice")),
        ("service.unitPrice", ("service", "unitPrice")),
        ("udf.Rate", ("", "udf.Rate")),
        ("contract.udf.No. of seats", ("contract", "udf.No. of seats")),
    ],
)
def test_a_path_is_a_field_or_goes_through_one_reference(text, path):
    parsed = FieldPath.parse(text)

    assert (tuple(parsed), str(parsed)) == (path, text)
