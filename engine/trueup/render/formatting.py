"""Display texts of numbers, money, counts and lists of names."""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from trueup.model.money import money_text, rounded
from trueup.render.sanitize import clip, sanitize, width

NAME_COLUMNS = 80
SHORT_COLUMNS = 48
FEW_NAMES = 4
LINE_COLUMNS = 110

_TWO_PLACES, _FOUR_PLACES = Decimal("0.01"), Decimal("0.0001")
_PLAIN = re.compile(r"[a-z]+(?:[ ,:;]|$)")


def money(amount: Decimal, currency: str, *, signed: bool = False) -> str:
    """Returns `£1,250.40`, its sign in front if `signed` or negative; other currencies by code."""
    return money_text(amount, sanitize(currency), signed=signed)


def unit_price(amount: Decimal, currency: str) -> str:
    """Returns the price of a unit as money, with the places that it has, from two to four.

    Prices have up to four: with two, the units times the price would not be the amount.
    """
    exact = price_places(amount)
    whole = money(abs(exact).to_integral_value(ROUND_DOWN), currency).removesuffix(".00")
    return f"{'-' if exact < 0 else ''}{whole}{f'{abs(exact) % 1:f}'.removeprefix('0')}"


def price_places(amount: Decimal) -> Decimal:
    """Returns a price with two to four places."""
    exact = rounded(amount, _FOUR_PLACES).normalize()
    return rounded(exact, _TWO_PLACES) if exact == rounded(exact, _TWO_PLACES) else exact


def marked(amount: str, *, price_unknown: bool) -> str:
    """Returns the amount, with a question mark if a part of it has no known price."""
    return f"{amount} ?".strip() if price_unknown else amount


def number(value: Decimal | int) -> str:
    """Returns a number without trailing zeros: `20`, `2.5`."""
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: Decimal | int) -> str:
    """`+2`, `-3`, `0`."""
    return ("+" if value > 0 else "") + number(value)


def word(name: str) -> str:
    """Returns a mapping's name in words: `license change`."""
    return sanitize(name).replace("_", " ")


def plural(name: str) -> str:
    """Returns its plural."""
    one = word(name)
    if one.endswith("y") and one[-2:-1] not in set("aeiou"):
        return one[:-1] + "ies"
    return one + ("es" if one.endswith(("s", "x", "ch", "sh")) else "s")


def count(many: int, name: str) -> str:
    """`1 contact`, `1,084 rows`."""
    return f"{many:,} {noun(many, name)}"


def noun(many: int, name: str) -> str:
    """Returns the noun that stands after that number: `contact`, `rows`."""
    return word(name) if many == 1 else plural(name)


def counts(many: Mapping[str, int]) -> str:
    """`1 contact, 3 subscriptions`, in the order given."""
    return ", ".join(count(n, name) for name, n in many.items() if n)


def known_as(name: str, columns: int = NAME_COLUMNS) -> str:
    """Returns the display name, without control characters and shortened."""
    return clip(sanitize(name), columns) or "(no name)"


def mentions(text: str, name: str) -> bool:
    """Returns whether a text has a name, as words of its own: "Also" does not mention "Al"."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def sentence(text: str) -> str:
    """Returns the text with a capital at its start, unless it begins with a system's name."""
    return text[:1].upper() + text[1:] if _PLAIN.match(text) else text


def every(names: Sequence[str]) -> str:
    """Returns all names, separated by semicolons because names may hold commas."""
    return "; ".join(known_as(name) for name in names)


def some(names: Sequence[str]) -> str:
    """Returns the first names, as many as fit a line, and how many more there are."""
    shown = [known_as(name, SHORT_COLUMNS) for name in names[:FEW_NAMES]]
    while len(shown) > 1 and width("; ".join(shown)) > LINE_COLUMNS:
        shown.pop()
    more = len(names) - len(shown)
    return "; ".join(shown) + (f" and {more:,} more" if more else "")
