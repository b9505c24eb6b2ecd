"""What a program printed, as it is shown: as a terminal leaves it, and not more of it than asked for."""

from pathlib import Path

import pytest

from results.printed import Excerpt, displayed, excerpt


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("plain\n", "plain\n"),
        ("\x1b[1;32mgreen\x1b[0m \x1b]0;title\x07text\x1b[2K", "green text"),
        ("10%\r100%", "100%"),
        ("longer\rab", "abnger"),
        ("line\r\n", "line\n"),
        ("ab\b\bxy", "xy"),
        ("\b\bx", "x"),
    ],
)
def test_lines_are_as_a_terminal_leaves_them(printed: str, shown: str) -> None:
    assert displayed(printed) == shown


def test_a_long_file_has_a_beginning_and_an_end(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    path.write_bytes(b"0123456789")
    assert excerpt(path, 4, 6) == Excerpt("0123456789", "", 0, 10)
    assert excerpt(path, 3, 4) == Excerpt("012", "6789", 3, 10)
    assert excerpt(path, 3, 0) == Excerpt("012", "", 7, 10)
    assert excerpt(tmp_path / "missing") is None
    path.write_bytes(b"\xff")
    assert excerpt(path) == Excerpt("\ufffd", "", 0, 1)
