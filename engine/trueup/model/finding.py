"""The results of rules and stages: data, never exceptions."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from shlex import quote
from typing import Self, assert_never
from uuid import UUID

from msgspec import Struct
from msgspec.structs import force_setattr

from trueup.errors import shortened_line
from trueup.model.verdict import Verdict

BRIEF_KEY = 8
"""Characters of a GUID that `Command.brief` shows; commands take the start of a key."""

_REASON = "--reason …"


class Place(Struct, frozen=True, order=True):
    """A position in a file; line and column count from 1, line 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Severity(StrEnum):
    """How severe a finding is, from what stops the most to what stops nothing."""

    ERROR = "error"  # this row and all that depends on it
    HOLD = "hold"  # this change and those that must come after it; nothing else
    SKIP = "skip"  # the row is left out on purpose; the reason is shown
    WARNING = "warning"  # nothing
    INFO = "info"  # nothing

    @property
    def stops(self) -> bool:
        """Whether it keeps a row or a change back."""
        match self:
            case Severity.ERROR | Severity.HOLD:
                return True
            case Severity.SKIP | Severity.WARNING | Severity.INFO:
                return False
            case _:
                assert_never(self)


class Command(Struct, frozen=True):
    """A `trueup` command about one row, in a remedy; it can be pasted into a shell."""

    verb: str  # decide, link, state forget
    mapping: str
    key: str
    verdict: Verdict | None = None  # of `decide` and `link`
    record: int | None = None  # of `link`; None: the person names it
    options: str = ""  # `--reason …`

    @classmethod
    def decide(cls, mapping: str, key: str, verdict: Verdict, options: str = "") -> Self:
        """Returns the command that records a decision other than a link.

        `options` stand before its reason.
        """
        before = f"{options} " if options else ""
        return cls("decide", mapping, key, verdict, options=f"{before}{_REASON}")

    @classmethod
    def succeed(cls, mapping: str, key: str, of: str) -> Self:
        """Returns the decision that the row takes the place of row `of`."""
        return cls.decide(mapping, key, Verdict.SUCCEED, f"--of {quote(of)}")

    @classmethod
    def link(cls, mapping: str, key: str, record: int | None = None) -> Self:
        """Returns the command that links the row to the record, or to one that a person names."""
        return cls("link", mapping, key, Verdict.LINK, record)

    @classmethod
    def forget(cls, mapping: str, key: str) -> Self:
        """Returns the command that removes the row's link from the state."""
        return cls("state forget", mapping, key, options=_REASON)

    def __str__(self) -> str:
        return self._with(quote(self.key))

    @property
    def brief(self) -> str:
        """Returns the command with a GUID cut to its first characters; other keys unchanged."""
        return self._with(self.key[:BRIEF_KEY] if _is_guid(self.key) else quote(self.key))

    @property
    def generic(self) -> str:
        """Returns the command with KEY in place of the key, to represent many rows."""
        return self._with("KEY")

    def _with(self, key: str) -> str:
        if self.verdict is Verdict.LINK:
            what = "ID" if self.record is None else str(self.record)
        else:
            what = str(self.verdict or "")
        parts = ["trueup", self.verb, self.mapping, key, what, self.options]
        if key.startswith("-"):  # the shell's quotes do not keep it from being an option
            parts = ["trueup", self.verb, self.options, "--", self.mapping, key, what]
        return " ".join(part for part in parts if part)


class Advice(Struct, frozen=True):
    """A remedy: text with commands between backticks."""

    text: str = ""
    commands: tuple[Command, ...] = ()

    @classmethod
    def of(cls, *parts: "str | Command | Advice") -> "Advice":
        """Joins text, commands and other advice."""
        texts, commands = [], list[Command]()
        for part in parts:
            match part:
                case Command():
                    texts.append(f"`{part}`")
                    commands.append(part)
                case Advice():
                    texts.append(part.text)
                    commands.extend(part.commands)
                case str():
                    texts.append(part)
        return cls("".join(texts), tuple(commands))

    def __add__(self, other: "str | Command | Advice") -> "Advice":
        return Advice.of(self, other)

    def brief(self) -> str:
        """Returns the text with the keys of its commands shortened."""
        return self._replaced({str(command): command.brief for command in self.commands})

    def generic(self) -> str:
        """Returns the text with KEY in place of the keys, to represent many rows."""
        return self._replaced({str(command): command.generic for command in self.commands})

    def _replaced(self, commands: Mapping[str, str]) -> str:
        text = self.text
        for full, short in commands.items():
            text = text.replace(f"`{full}`", f"`{short}`")
        return text


NO_ADVICE = Advice()


def join_advice(separator: str, parts: Sequence[Advice]) -> Advice:
    """Joins pieces of advice with a separator."""
    joined = NO_ADVICE
    for number, part in enumerate(parts):
        joined = joined + separator + part if number else part
    return joined


def named_apart(names: Mapping[str, str]) -> dict[str, str]:
    """Returns names of rows in one message by key; those with an equal name have their key, too.

    A GUID is cut to its first characters, unless another row of the same name begins alike.
    """
    alike: dict[str, list[str]] = {}
    for key, name in names.items():
        alike.setdefault(name, []).append(key)
    found = {}
    for name, keys in alike.items():
        short = {key: key[:BRIEF_KEY] if _is_guid(key) else key for key in keys}
        is_enough = len({*short.values()}) == len(keys)
        for key in keys:
            found[key] = f"{name} ({short[key] if is_enough else key})" if len(keys) > 1 else name
    return found


def _is_guid(key: str) -> bool:
    try:
        return str(UUID(key)) == key.casefold()
    except ValueError:
        return False


class Finding(Struct, frozen=True):
    """One result of a check: about a file (`place`), a row (`mapping`, `key`, `name`) or both."""

    code: str  # the rule's name, or the stage's own code, in kebab-case
    severity: Severity
    text: str
    remedy: str = ""  # what to do; commands in it are listed in `commands`, between backticks
    place: Place | None = None
    mapping: str = ""
    key: str = ""
    name: str = ""  # the display name of the row
    commands: tuple[Command, ...] = ()

    def __post_init__(self) -> None:
        for name in ("text", "remedy"):
            value = getattr(self, name)
            if (short := shortened_line(value)) is not value:
                force_setattr(self, name, short)

    @property
    def advice(self) -> Advice:
        """The remedy with its commands."""
        return Advice(self.remedy, self.commands)

    def line(self) -> str:
        """`file:line:column: text (remedy)`, as compilers do, so that editors jump to it."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.text}" + (f"\n    → {self.remedy}" if self.remedy else "")

    def as_json(self) -> Mapping[str, object]:
        """All that is set, ready for `json.dumps`."""
        values: dict[str, object] = {
            "code": self.code,
            "severity": str(self.severity),
            "text": self.text,
        }
        if self.place:
            values["place"] = str(self.place)
        for name in ("remedy", "mapping", "key", "name"):
            if getattr(self, name):
                values[name] = getattr(self, name)
        return values
