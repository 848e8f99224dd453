"""Replaces names, phones and addresses by others of the same form, to share a test.

Equal values become equal ones, in all tables, and different values stay different.
"""

import re
from collections.abc import Callable, Iterable, Mapping

import phonenumbers
from msgspec import Struct

from trueup.expressions.contact_filters import is_email, phone
from trueup.expressions.country_filters import country
from trueup.model.catalogue import Column, Table, Type
from trueup.model.mapping import MappingSpec, Reference
from trueup.model.mapping_state import Row
from trueup.model.project import Project

_PHONE_WORDS = ("phone", "mobile", "fax")
_KEPT_WORDS = ("country", "currency")
_CODE = 12
"""Characters of a code, such as a customer's number; a longer text is a name."""

_MAIL = re.compile(r"""[^@\s<>,;:"]+@[^@\s<>,;:"]+\.[^@\s<>,;:".]+""")
"""An e-mail address in a text."""

_ATTEMPTS = 1_000
"""Numbers that are tried for a text that is none of those given out."""


class Pseudonyms(Struct):
    """The replacements of values. `kept` are texts of the configuration, which stay.

    An e-mail address is replaced there too: it names a person. Rows of the tables `goods` stay.
    """

    kept: frozenset[str]
    goods: frozenset[str] = frozenset()
    _texts: dict[tuple[str, str], str] = {}  # kind and text → other text
    _counts: dict[str, int] = {}
    _used: set[str] = set()

    def of(self, table: Table, row: Row, region: str | None) -> dict[str, object]:
        """Returns the values of a row with replaced texts; choices and figures stay.

        `region` is the country of phone numbers without a country code.
        """
        if table.name in self.goods:
            return dict(row)
        return {
            name: self.text(table.columns[name], value, region)
            if isinstance(value, str) and table.columns[name].type is Type.TEXT
            else value
            for name, value in row.items()
        }

    def text(self, column: Column, text: str, region: str | None) -> str:
        """Another text of the same form."""
        label = column.label or column.name
        words = f"{column.name} {label}".casefold()
        if text in self.kept or not text.strip() or any(word in words for word in _KEPT_WORDS):
            return self._other_mails(text)
        if any(word in words for word in _PHONE_WORDS):
            return self._other("phone", text, lambda number: _phone(text, region, number))
        if is_email(text):
            return self._other_mails(text)
        if "://" in text or "web" in words:
            return self._other("web", text, lambda n: f"https://www.customer{n}.example")
        if len(text) <= _CODE and any(one.isdigit() for one in text):
            return self._other("code", text, lambda number: _code(text, number))
        title = label.rpartition(": ")[2]
        return self._other("text", text, lambda _: f"{title} {self._next(title)}")

    def setting(self, value: object) -> object:
        """A value of the settings, with others in the place of its e-mail addresses."""
        match value:
            case str():
                return self._other_mails(value)
            case Mapping():
                return {self.setting(name): self.setting(part) for name, part in value.items()}
            case list() | tuple():
                return [self.setting(part) for part in value]
            case _:
                return value

    def known(self, text: str) -> str | None:
        """Returns the replacement of a text, if there is one."""
        return next((other for (_, old), other in self._texts.items() if old == text), None)

    def _other_mails(self, text: str) -> str:
        return _MAIL.sub(
            lambda found: self._other("mail", found[0], lambda n: f"person{n}@customer.example"),
            text,
        )

    def _other(self, kind: str, text: str, make: Callable[[int], str]) -> str:
        """The replacement of a text: no two texts have the same one."""
        if (kind, text) not in self._texts:
            other = make(self._next(kind))
            for _ in range(_ATTEMPTS):
                if other not in self._used:
                    break
                other = make(self._next(kind))
            self._used.add(other)
            self._texts[kind, text] = other
        return self._texts[kind, text]

    def _next(self, kind: str) -> int:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]


def goods_tables(project: Project) -> frozenset[str]:
    """Returns the tables of what is sold, such as products: their rows have no customer.

    Services are made from such a table, but no customers or contracts. It refers to no other table,
    nor do its mappings refer to rows of others, as those of a subscription do.
    """
    mappings, owners = project.mappings, project.owners
    people = {owners.customer, *owners.contracts}
    people |= {name for name, mapping in mappings.items() if _refers(mapping)}
    return frozenset(
        table
        for table in {mappings[name].source.table for name in owners.services}
        if not any(mappings[name].source.table == table for name in people & mappings.keys())
        and not _has_look_ups(project.catalogue.tables[table])
    )


def _refers(mapping: MappingSpec) -> bool:
    return any(isinstance(spec.value, Reference) for spec in mapping.fields.values())


def _has_look_ups(table: Table) -> bool:
    return any(column.type is Type.LOOKUP for column in table.columns.values())


def settings_texts(settings: object) -> Iterable[str]:
    """All texts of settings, of their names too."""
    if isinstance(settings, str):
        yield settings
    elif isinstance(settings, Mapping):
        for name, value in settings.items():
            yield str(name)
            yield from settings_texts(value)
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from settings_texts(value)


def region_of(rows: Iterable[Row]) -> str | None:
    """The country that the first of some rows names."""
    found = (country(row.get("country")) for row in rows)
    return next((code for code in found if code), None)


def _code(text: str, number: int) -> str:
    """A code of the same form, with the number in its digits."""
    digits = sum(one.isdigit() for one in text)
    left = [*f"{number:0{digits}}"]
    shown = "".join(left.pop(0) if one.isdigit() else "A" if one.isalpha() else one for one in text)
    return shown + "".join(left)


def _phone(text: str, region: str | None, number: int) -> str:
    """A valid number of the same country for a valid one; else a text with other characters."""
    valid = phone(text, region)
    if valid is None:  # it may be a sentence, with the name of a person
        return _code(text, number)
    parsed = phonenumbers.parse(valid)
    example = phonenumbers.example_number(phonenumbers.region_code_for_number(parsed) or "GB")
    national = str(example.national_number if example else parsed.national_number)
    candidates = (
        phone(f"+{parsed.country_code}{national[:-3]}{other % 1000:03}")
        for other in range(number, number + 1000)
    )
    return next((candidate for candidate in candidates if candidate), _code(text, number))
