"""Reads YAML with its comments and layout, and writes it back.

ruamel.yaml keeps comments, quotes, the order of keys and the style of lists and mappings. It is
used where a file of a person is changed as a whole. Settings here define the layout of all files
that trueup formats or extends.
"""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.tag import Tag

from trueup.errors import EngineError

INDENT = 2
_LONGEST_LINE = 1_000_000
"""Lines are never wrapped: expressions stand in one line."""


_NULL = "tag:yaml.org,2002:null"


_FAULTS = (
    YAMLError,
    RecursionError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
)
"""What ruamel.yaml raises for layouts that it does not handle: it does not wrap its own faults."""


class CommentsLost(EngineError):
    """A text cannot be read and written back with its comments."""


class _AsWritten(VersionedResolver):
    """Takes every plain value for text, so that `1e5`, `007` and days stay as they are written."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:  # noqa: ANN401 -- ruamel's
        """Returns the tag of a node: a value that is not there is null, any other one is text."""
        if kind is ScalarNode and implicit[0]:
            return Tag(suffix=_NULL) if value == "" else self.DEFAULT_SCALAR_TAG
        return super().resolve(kind, value, implicit)


def laid_out(text: str) -> str:
    """Returns a text in the layout of all files, each value as it was written.

    Raises `CommentsLost`.
    """
    documents = load(text, as_written=True)
    return dump(documents, as_written=True)


def load(text: str, *, as_written: bool = False) -> list[Any]:
    """Returns the documents of a text, with their comments. Raises `CommentsLost`."""
    try:
        return list(_yaml(as_written=as_written).load_all(text))
    except _FAULTS as error:
        raise CommentsLost(f"it cannot be read with its comments: {error}") from error


def dump(documents: Sequence[Any], *, as_written: bool = False) -> str:
    """Returns the text of documents that `load` returned. Raises `CommentsLost`."""
    stream = StringIO()
    try:
        _yaml(as_written=as_written).dump_all(documents, stream)
    except _FAULTS as error:
        raise CommentsLost(f"it cannot be written with its comments: {error}") from error
    return stream.getvalue()


def in_one_line(values: Mapping[Any, Any]) -> CommentedMap:
    """Returns a mapping that is written as `{type: string, maxLength: 50}`."""
    found = CommentedMap({safe_text(key): safe_text(value) for key, value in values.items()})
    found.fa.set_flow_style()
    return found


def safe_text(value: object) -> object:
    """Returns text in quotes where YAML 1.1 takes it for something else, such as `No`.

    A mapping becomes one in a line; other values stay.
    """
    if isinstance(value, dict):
        return in_one_line(value)
    if not isinstance(value, str):
        return value
    try:
        is_text = yaml.load(value, Loader=yaml.CSafeLoader) == value
    except yaml.YAMLError:
        is_text = False
    return value if is_text else DoubleQuotedScalarString(value)


def _yaml(*, as_written: bool = False) -> YAML:
    both = YAML()
    if as_written:
        both.Resolver = _AsWritten
    both.preserve_quotes = True
    both.brace_single_entry_mapping_in_flow_sequence = True  # `[{id: a}]`, not `[id: a]`
    both.width = _LONGEST_LINE
    both.indent(mapping=INDENT, sequence=2 * INDENT, offset=INDENT)
    return both
