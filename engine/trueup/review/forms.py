"""Parses forms as browsers send them."""

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import parse_qs

from msgspec import Struct

from trueup.config.days import parse_day

MOST_FIELDS = 20_000


class FormError(Exception):
    """A form that no page of the desk sends."""


class TooLong(Exception):
    """A form that is longer than any of the desk, or incomplete."""


class Form(Struct, frozen=True):
    """The fields of a form."""

    fields: Mapping[str, Sequence[str]]

    def value(self, name: str) -> str:
        """Returns the first value of the field, without outer spaces; "" if it has none."""
        return next(iter(self.fields.get(name, ())), "").strip()

    def raw(self, name: str) -> str:
        """Returns the first value unchanged, because keys of rows are compared exactly."""
        return next(iter(self.fields.get(name, ())), "")

    def values(self, name: str) -> Sequence[str]:
        """Returns all values, such as those of the ticked boxes."""
        return self.fields.get(name, ())

    def day(self, name: str) -> date | None:
        """Returns the field as a day; None if it is empty. Raises FormError for anything else."""
        text = self.value(name)
        if not text:
            return None
        day = parse_day(text)
        if day is None:
            raise FormError(f"{text!r} is no day: write it as 2026-11-30")
        return day


def parse_form(body: bytes) -> Form:
    """Parses a body of type `application/x-www-form-urlencoded`.

    Raises FormError for too many fields, and for text that is no UTF-8.
    """
    try:
        text = body.decode("utf-8")
        fields = parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise FormError(str(error)) from None
    return Form(fields)
