"""Every example of docs/flags-and-spaces.md does what the page says."""

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from spaces import Float, Space

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "flags-and-spaces.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_python_sessions_are_true():
    test = doctest.DocTestParser().get_doctest(PAGE, {}, "flags-and-spaces", None, None)
    assert len(test.examples) > 10
    assert doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(test).failed == 0


def test_the_script_says_what_the_page_says(tmp_path):
    script = next(block for block in blocks("python") if block.startswith("# train.py"))
    (tmp_path / "train.py").write_text(script)
    plain, with_profiles = blocks("console")
    check_session(tmp_path, plain)
    (tmp_path / "flags.yml").write_text(blocks("yaml")[0])
    check_session(tmp_path, with_profiles)


def check_session(directory, session):
    for part in session.split("$ ")[1:]:
        command, _, expected = part.partition("\n")
        done = subprocess.run(
            [sys.executable, *shlex.split(command)[1:]],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.stdout == expected


def test_the_yaml_space_is_the_python_space(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(blocks("yaml")[1])
    expected = Space({"nodes1": [64, 128, 256], "dropout": Float(0.1, 0.5, 0.1), "data": "digits"})
    assert Space.from_yaml(path) == expected
    path.write_text(blocks("yaml")[2])
    nodes = {f"nodes{k}": [64, 128] for k in (1, 2, 3)}
    rules = {"only": {"nodes2": "layers >= 2", "nodes3": "layers >= 3"}}
    where = ["nodes2 <= nodes1", "nodes3 <= nodes2"]
    assert Space.from_yaml(path) == Space({"layers": [1, 2, 3], **nodes}, **rules, where=where)
