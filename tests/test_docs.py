"""What the README and the pages of docs/ say is so: links, commands, examples."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from search.cli.commands import cli

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])


def commands() -> list[tuple[str, str]]:
    """Every line of an indented or fenced block that calls gridruns, with its page."""
    found = []
    for page in PAGES:
        for line in page.read_text().splitlines():
            if line.startswith("    "):
                found += [
                    (page.name, part.strip())
                    for part in line.split("&&")
                    if part.strip().startswith("gridruns ")
                ]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize(("page", "line"), commands(), ids=lambda value: value[:60])
def test_commands_are_ours(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command = cli.commands[words[0]]
    arguments = words[1 : words.index("--")] if "--" in words else words[1:]
    with click.Context(command) as context:
        command.parse_args(context, list(arguments))


def test_the_page_of_contents_names_every_page() -> None:
    contents = (ROOT / "docs" / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in contents


@pytest.mark.slow
def test_the_readmes_script_and_search_run(tmp_path: Path) -> None:
    script, search = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "train.py").write_text(script)
    (tmp_path / "search.txt").write_text(search)
    plain = [sys.executable, "train.py", "--nodes", "128"]
    assert subprocess.run(plain, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    done = subprocess.run(
        [sys.executable, "-c", search], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "5 of 9 combinations (55.6%)" in done.stdout
    assert "best_val_loss" in done.stdout
    listed = "from results import leaderboard; print(leaderboard('runs').head())"
    assert f'python -c "{listed}"' in (ROOT / "README.md").read_text()
    subprocess.run([sys.executable, "-c", listed], cwd=tmp_path, capture_output=True, check=True)
