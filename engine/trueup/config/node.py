"""A part of a document that knows its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.config.documents import Document, Steps
from engine.model.finding import Place
from engine.model.project import Value


@dataclass(frozen=True, slots=True)
class Node:
    """Data that fits its schema, and where it stands."""

    document: Document
    data: Any
    steps: Steps = ()

    @property
    def place(self) -> Place:
        """Where the value begins."""
        return self.document.place(*self.steps)

    @property
    def key_place(self) -> Place:
        """Where its key stands."""
        return self.document.key_place(*self.steps)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.data, dict) and key in self.data

    def __getitem__(self, key: str) -> "Node":
        return Node(self.document, self.data[key], (*self.steps, key))

    def get(self, key: str) -> "Node | None":
        """The part under that key, if there is one."""
        return self[key] if isinstance(self.data, dict) and key in self.data else None

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Keys and parts of a mapping, in the order of the file."""
        return ((key, self[key]) for key in self.data)

    def parts(self) -> Iterator["Node"]:
        """Items of a list, without those that the schema refused."""
        for index, item in enumerate(self.data):
            if item is not None:
                yield Node(self.document, item, (*self.steps, index))

    def texts(self) -> tuple[str, ...]:
        """A list of names, as such."""
        return tuple(str(part.data) for part in self.parts())

    def value(self) -> Value:
        """What stands here, for evaluation."""
        return Value(self.data, self.place)
