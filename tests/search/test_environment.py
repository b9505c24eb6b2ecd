"""Environment variables that a script sets, read without running it."""

import ast

import pytest

from search.environment import environment_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\nimport keras\n", {}),
        ("import os\nos.environ['A'] = '1'\nimport keras\n", {"A": "1"}),
        ("from os import environ\nenviron['A'] = '1'\nimport keras\n", {"A": "1"}),
        ("import os\nos.environ.setdefault('PATH', 'x')\nimport keras\n", {}),
        ("import os\nos.environ.setdefault('NOT_SET_YET', 'x')\nimport keras\n", {"NOT_SET_YET": "x"}),
        ("import os\nimport keras\nos.environ['A'] = '1'\n", {}),
        ("import os\nprint(os.environ['PATH'], os.environ.get('B'))\nimport keras\n", {}),
        ("import os\ndef f():\n    os.environ['A'] = '1'\nimport keras\n", {}),
        ("import os\nos.environ['A'] = str(1)\nimport keras\n", None),
        ("import os\nif True:\n    os.environ['A'] = '1'\nimport keras\n", None),
        ("import os\nos.environ.update(A='1')\nimport keras\n", None),
        ("import os\ndel os.environ['A']\nimport keras\n", None),
        ("import os\nos.putenv('A', '1')\nimport keras\n", None),
    ],
)
def test_what_is_set_before_the_last_import(text: str, expected: dict[str, str] | None) -> None:
    assert environment_settings(ast.parse(text)) == expected
