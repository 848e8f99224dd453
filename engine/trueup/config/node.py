"""A part of a document that knows its place."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from trueup.config.documents import Document, Steps
from trueup.model.finding import Place
from trueup.model.mapping import Value


class Node(Struct, frozen=True):
    """Data that is valid for its schema, with the steps to it in its document."""

    document: Document
    data: Any
    steps: Steps = ()

    @property
    def place(self) -> Place:
        """Returns the place of the value."""
        return self.document.place(*self.steps)

    @property
    def key_place(self) -> Place:
        """Returns the place of the value's key."""
        return self.document.key_place(*self.steps)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.data, dict) and key in self.data

    def __getitem__(self, key: str) -> "Node":
        return Node(self.document, self.data[key], (*self.steps, key))

    def get(self, key: str) -> "Node | None":
        """Returns the part under that key, or None."""
        return self[key] if isinstance(self.data, dict) and key in self.data else None

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Yields the keys and parts of a mapping, in the order of the file."""
        return ((key, self[key]) for key in self.data)

    def parts(self) -> Iterator["Node"]:
        """Yields the items of a list, without those that the schema check removed."""
        for index, item in enumerate(self.data):
            if item is not None:
                yield Node(self.document, item, (*self.steps, index))

    def texts(self) -> tuple[str, ...]:
        """Returns the items of a list of names."""
        return tuple(str(part.data) for part in self.parts())

    def value(self) -> Value:
        """Returns the data as a value that can be evaluated."""
        return Value(self.data, self.place)
