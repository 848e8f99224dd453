"""The layout of YAML files: the same text for the same content, comments kept.

`formatted` returns a file's bytes in that layout:

- mappings are indented by two spaces, lists by two under their key, comments as what they precede;
- `{a: 1, b: [2, 3]}` has a space after each comma and colon, and stands in one line;
- there is no trailing space, no second empty line in a row, and one line end at the end;
- values, quotes, the order of keys, anchors and blocks of text are as they were written.

The result is used only if it has the same data and the same comments as the text, and if formatting
it again changes nothing. Otherwise the file is refused.
"""

from collections.abc import Iterator

import yaml

from trueup.config import round_trip
from trueup.config.documents import LARGEST_FILE, parse
from trueup.config.text_file import BOM, refused
from trueup.config.yaml_events import Lines
from trueup.errors import ConfigError
from trueup.model.finding import Finding, Severity

_ATTEMPTS = 4
"""How often a text is formatted until nothing changes."""

_EDIT = "edit it by hand; it is unchanged"


def formatted(content: bytes, name: str) -> bytes:
    """Returns the content in the layout. A byte order mark and line ends of Windows stay.

    Raises `ConfigError`, with places, for a file that is not valid YAML or cannot be formatted
    without loss.
    """
    if len(content) > LARGEST_FILE:
        raise refused(name, f"larger than {LARGEST_FILE:,} bytes", "split it into several files")
    before, findings = parse(content, name)
    if findings:
        raise ConfigError(findings)

    if any(not isinstance(one.data, dict | list | None) for one in before):
        raise refused(name, "no file of a project: it holds one value, not keys", "name another")
    _require_values(content, name)

    bom = BOM if content.startswith(BOM) else b""
    text = content.decode("utf-8-sig")
    new = _settled(text.replace("\r\n", "\n"), name)
    laid_out = new.replace("\n", "\r\n") if "\r\n" in text else new
    result = bom + laid_out.encode()

    after, findings = parse(result, name)
    is_same = not findings and [one.data for one in after] == [one.data for one in before]
    if not is_same or _kept(new) != _kept(text.replace("\r\n", "\n")):
        raise refused(name, "cannot be formatted without changing it", _EDIT)
    return result


def _require_values(content: bytes, name: str) -> None:
    """Raises `ConfigError` for `{a:1}`, which is a key `a:1` without a value and hardly meant so.

    Formatting would write that as `{a:1: null}`.
    """
    findings: list[Finding] = []
    in_mapping: list[bool] = []  # of the lists and mappings in one line that are open
    before: yaml.Token | None = None
    whole = content.decode("utf-8-sig")
    lines = Lines(whole, name)
    for token in _tokens(whole):
        is_key = bool(in_mapping) and in_mapping[-1] and isinstance(before, _BEFORE_KEY)
        if is_key and isinstance(token, yaml.ScalarToken) and token.plain and ":" in token.value:
            place = lines.place(token.start_mark.index)
            text = f"{token.value} is a key without a value"
            remedy = "write a space after the colon, or quotes around a key that is meant so"
            findings.append(Finding("file", Severity.ERROR, text, remedy, place))
        elif isinstance(token, _OPENS):
            in_mapping.append(isinstance(token, yaml.FlowMappingStartToken))
        elif isinstance(token, _CLOSES):
            in_mapping.pop()
        before = token
    if findings:
        raise ConfigError(findings)


def _kept(text: str) -> tuple[list[str], list[str]]:
    """Returns what must survive besides the data: comments, anchors and aliases, in order."""
    named = (yaml.AnchorToken, yaml.AliasToken)
    return _comments(text), [one.value for one in _tokens(text) if isinstance(one, named)]


def _settled(text: str, name: str) -> str:
    """Returns the text in the layout, formatted until nothing changes."""
    for _ in range(_ATTEMPTS):
        try:
            new = _formatted_once(text)
        except (round_trip.CommentsLost, yaml.YAMLError) as error:
            raise refused(name, f"cannot be formatted: {error}", _EDIT) from error
        if new == text:
            return new
        text = new
    raise refused(name, "cannot be formatted: its layout does not settle", _EDIT)


def _formatted_once(text: str) -> str:
    has_content = any(isinstance(token, _CONTENT) for token in _tokens(text))
    bare = _without_trailing_spaces(text)
    laid_out = round_trip.laid_out(bare) if has_content else bare
    return _comments_aligned(_without_empty_lines(_without_trailing_spaces(laid_out)))


def _without_trailing_spaces(text: str) -> str:
    kept = _kept_lines(text)
    return "\n".join(
        line if number in kept else line.rstrip() for number, line in enumerate(text.split("\n"))
    )


def _without_empty_lines(text: str) -> str:
    """The text without a second empty line in a row, and without any at its ends."""
    kept = _kept_lines(text)
    lines: list[str] = []
    for number, line in enumerate(text.split("\n")):
        if number in kept or line or (lines and lines[-1]):
            lines.append(line)
    if _last_line(text) not in kept:
        while lines and not lines[-1]:
            lines.pop()
    shortened = "\n".join(lines)
    return shortened if not shortened or shortened.endswith("\n") else f"{shortened}\n"


_BEFORE_KEY = (yaml.FlowMappingStartToken, yaml.FlowEntryToken)
_OPENS = (yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)
_CLOSES = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)

_CONTENT = (
    yaml.ScalarToken,
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
    yaml.AliasToken,
)


def _tokens(text: str) -> list[yaml.Token]:
    return list(yaml.scan(text, Loader=yaml.CSafeLoader))


def _last_line(text: str) -> int:
    return text.rstrip("\n").count("\n")


def _kept_lines(text: str) -> frozenset[int]:
    """Lines inside a value of several lines: spaces and empty lines may be a part of it."""
    kept: set[int] = set()
    for token in _tokens(text):
        if isinstance(token, yaml.ScalarToken) and token.end_mark.line > token.start_mark.line:
            end = token.end_mark.line + (token.end_mark.column > 0)
            kept.update(range(token.start_mark.line, end))
    return frozenset(kept)


def _comment_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Line, column and text of each comment: what is neither a token nor space."""
    lines = text.split("\n")
    at = (0, 0)
    for token in _tokens(text):
        start = (token.start_mark.line, token.start_mark.column)
        if start > at:
            yield from _in_gap(lines, at, start)
        at = max(at, (token.end_mark.line, token.end_mark.column))
    yield from _in_gap(lines, at, (len(lines), 0))


def _in_gap(
    lines: list[str], start: tuple[int, int], end: tuple[int, int]
) -> Iterator[tuple[int, int, str]]:
    for number in range(start[0], min(end[0] + 1, len(lines))):
        first = start[1] if number == start[0] else 0
        last = end[1] if number == end[0] else len(lines[number])
        column = lines[number].find("#", first, last)
        if column >= 0:
            yield number, column, lines[number][column:].rstrip()


def _comments(text: str) -> list[str]:
    """The comments of a text, in order."""
    return [comment for _, _, comment in _comment_lines(text)]


def _comments_aligned(text: str) -> str:
    """The text with each comment of its own line indented as the content that it stands before.

    A comment that is indented deeper than what follows belongs to what precedes it.
    """
    lines = text.split("\n")
    own = {
        number for number, column, _ in _comment_lines(text) if not lines[number][:column].strip()
    }
    content = [number for number, line in enumerate(lines) if line.strip() and number not in own]
    for number in own:
        following = next((_indent(lines[one]) for one in content if one > number), 0)
        preceding = next((_indent(lines[one]) for one in reversed(content) if one < number), 0)
        present = _indent(lines[number])
        wanted = following
        if present > following and preceding > following:
            wanted = preceding
        lines[number] = " " * wanted + lines[number].lstrip(" ")
    return "\n".join(lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
