"""docs/reliability.md names tests that exist, and every test of a fault stands there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/reliability.md").read_text())))
# What the tables say in other tests' lines.
IMPLIED = {
    "test_what_a_trial_had_logged_stays",
    "test_exceptions_are_not_tried_again",
    "test_a_search_that_was_stopped_goes_on",
    "test_resume_takes_no_directory_that_is_no_study",
    "test_the_test_above_would_notice",
}


def names_in(path: Path) -> set[str]:
    functions = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    assert name in names_in(ROOT / file)


def test_every_fault_is_on_the_page() -> None:
    there = {name for _, name in NAMED}
    for path in Path(__file__).parent.glob("test_*.py"):
        if path.name != Path(__file__).name:
            assert names_in(path) <= there | IMPLIED, path.name


def test_every_line_of_a_table_names_its_test() -> None:
    rows = [line for line in (ROOT / "docs/reliability.md").read_text().splitlines() if line.startswith("|")]
    for row in rows:
        assert "::test_" in row or row.startswith(("|---", "| what happens", "| promise")), row
