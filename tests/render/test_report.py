"""The pieces of a sentence on a page: words, commands, days and amounts."""

import pytest
from trueup.render.report import Piece, PieceKind, pieces


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "link it: `trueup link a 1`, or not",
            [
                Piece("link it: "),
                Piece("trueup link a 1", PieceKind.CODE),
                Piece(", or not"),
            ],
        ),
        (
            "+£1,764.88 and -CHF 3.20, +2",
            [
                Piece("+£1,764.88", PieceKind.FIGURE),
                Piece(" and "),
                Piece("-CHF 3.20", PieceKind.FIGURE),
                Piece(", "),
                Piece("+2", PieceKind.FIGURE),
            ],
        ),
        ("a ` alone, a-1", [Piece("a ` alone, a-1")]),
        ("from 2026-11-15", [Piece("from "), Piece("2026-11-15", PieceKind.FIGURE)]),
        ("", []),
    ],
)
def test_commands_days_and_amounts_are_distinguished_from_words(text, found):
    assert [*pieces(text)] == found
    assert "".join(one.text for one in found) == text.replace("`t", "t").replace("1`", "1")
