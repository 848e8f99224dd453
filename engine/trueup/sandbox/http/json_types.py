"""Types of values that were read from JSON."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""Any value that JSON can hold. Its type is unknown until code checks it."""

JsonObject: TypeAlias = Mapping[str, Json]
"""A JSON object."""
