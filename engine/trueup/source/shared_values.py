"""Equal values of a column as one object.

Most columns of a large table have few distinct values: states, units, days, prices, the contract
that a hundred subscriptions share. To keep each of them once takes half the memory of a table of
subscriptions, and saves reading the text again.
"""

from trueup.source.values import Convert

MOST = 20_000
"""Distinct texts of a column that are kept. A column of names passes it, and gains nothing more."""

LONGEST = 100
"""Characters of a text that is kept: longer ones are hardly ever the same."""

_UNKNOWN = object()


def shared(convert: Convert) -> Convert:
    """Returns a converter that gives the same object for the same text.

    Text that the converter changes is converted each time, because it may report that.
    """
    known: dict[str, object] = {}

    def converted(value: object, display: object) -> object:
        if value.__class__ is not str or display is not None:
            return convert(value, display)
        found = known.get(value, _UNKNOWN)
        if found is not _UNKNOWN:
            return found
        result = convert(value, None)
        is_new_text = isinstance(result, str) and result is not value
        if len(known) < MOST and len(value) <= LONGEST and not is_new_text:
            known[value] = result
        return result

    return converted
