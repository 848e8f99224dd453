"""Faults of one value or one row. The connectors turn them into findings and outcomes."""


class InvalidValue(ValueError):
    """A raw value cannot be read as its column's type. The text is the reason, for a message."""


class UpdateRefused(Exception):
    """A row cannot be updated as planned, and nothing was written. The text is the reason."""


class RowChanged(UpdateRefused):
    """The row is no longer as it was when the plan was made."""
