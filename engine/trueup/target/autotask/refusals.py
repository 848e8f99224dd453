"""Decides which refusals prove that nothing was written.

A refusal is believed if the same request would have been refused in any case: its credentials, its
route, its fields or its references are wrong. Any other refusal of a create may follow a write that
took effect. A gateway may send a request twice, and the second one is then refused as a duplicate;
a fault after the write may be reported with an error text; a web page comes from a server in
between. Such a create is settled by reading.

Source of the texts: docs/explanation/autotask.md, section 4.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus

_KNOWN_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.METHOD_NOT_ALLOWED})
"""Autotask sends them before it looks at the body of a request."""

_VALIDATION = (
    r"^missing required field\b",
    r"^reference value on field: \w+\b",
    r"^\w+: value \S+ does not exist or is invalid\b",
    r"^value does not reference an existing entity for ",
    r"^picklist value \[[^\]]*\] does not exist for ",
    r"^value .* is not a valid picklist value for field: ",
    r"^unable to find \S+ in the \w+ entity\b",
    r"^the value of \S+ exceeds the maximum length of ",
    r"^the value of \S+ does not match the id in the request url\b",
    r"^the field \S+ is read only and cannot be set\b",
    r"\beffectivedate must be between the start date and end date of the contract\b",
    r"^contracts of type .* require a contractperiodtype\b",
    r"^contract enddate must be after startdate\b",
    r"^the enddate of the contract must (not )?be later than ",
    r"^the contract referenced by contractid must be of type recurring service\b",
    r"\balready posted contract period\b",
    r"^no message\. no matching records found\b",
    r"^no matching records found for the given id\b",
    r"^the logged in resource does not have the adequate permissions\b",
    r"^integrationcode is invalid\b",
    r"^zone information could not be determined\b",
    r"^the request body is not valid json\b",
)
_IS_VALIDATION = re.compile("|".join(_VALIDATION), re.IGNORECASE)


def nothing_was_written(status: int, errors: Sequence[str], *, is_foreign: bool) -> bool:
    """Returns whether a refusal proves that its request changed nothing.

    `errors` are Autotask's messages, none if the body has none. `is_foreign`: the body is a web
    page or another text that is not JSON, so a server in between may have written it.
    """
    if is_foreign:
        return False
    if status in _KNOWN_STATUSES:
        return True
    return bool(errors) and all(_IS_VALIDATION.search(error) for error in errors)
