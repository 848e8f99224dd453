"""Replaces the fields of a struct by what a function makes of them."""

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

_Struct = TypeVar("_Struct", bound=Struct)


def with_mapped_fields(struct: _Struct, change: Callable[[Any], Any]) -> _Struct:
    """Returns the struct with each field as `change` returns it; itself if none is another object.

    Callers recurse through `change`: what they leave as it is keeps its identity.
    """
    values = asdict(struct)
    changed = {name: new for name, value in values.items() if (new := change(value)) is not value}
    return replace(struct, **changed) if changed else struct
