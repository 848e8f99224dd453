"""Decides which refusals prove that nothing was written.

A refusal is believed if the same request would have been refused in any case: its credentials, its
route, its fields or its references are wrong. Any other refusal of a create may follow a write that
took effect. A gateway may send a request twice, and the second one is then refused as a duplicate;
a fault after the write may be reported with an error text; a web page comes from a server in
between. Such a create is settled by reading.

Each text has its source beside it, see docs/explanation/autotask.md, section 0. A text that no
source quotes is not here, as likely as it may be: how Autotask words it is unknown.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus

_KNOWN_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.METHOD_NOT_ALLOWED})
"""Autotask sends them before it looks at the body of a request."""

_VALIDATION = (
    r"^missing required field\b",  # [TCT26]
    r"^value does not exist for the required field \w+",  # [JUICT]
    r"^reference value on field: \w+\b",  # [N8N]
    r"^\w+: value \S+ does not exist or is invalid\b",  # [N8N]
    r"^value does not reference an existing entity for ",  # [N8N]
    r"^picklist value \[[^\]]*\] does not exist for ",  # [JUICT]
    r"^unable to find \S+ in the \w+ entity\b",  # [WYRE-282], [N8N], [DJ]
    r"\beffectivedate must be between the start date and end date of the contract\b",  # [KAN]
    r"^contracts of type .* require a contractperiodtype\b",  # [ECIT-39]
    r"^contract enddate must be after startdate\b",  # LIVE
    r"\balready (approved and )?posted contract period\b",  # [KB-END]
    r"^(no message\. )?no matching records found\b",  # [DJ]
    r"^the logged in resource does not have the adequate permissions\b",  # [DJ]
    r"^integrationcode is invalid\b",  # [D-AUTH]
    r"^zone information could not be determined\b",  # [DJ]
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
