"""The notebook in docs: its script makes it anew without an error, and the committed one is of its source."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def cells_of(notebook: Path) -> Sequence[dict[str, Any]]:
    """The cells of a notebook; each is of the script's source, none ended in an error."""
    cells: list[dict[str, Any]] = json.loads(notebook.read_text())["cells"]
    # A cell's first line is "# %%", with its kind behind it.
    parts = re.split(r"^# %%.*\n", (DOCS / "notebook.py").read_text(), flags=re.MULTILINE)[1:]
    assert len(parts) == len(cells)
    for part, cell in zip(parts, cells, strict=True):
        text = part.strip() if cell["cell_type"] == "code" else re.sub(r"^# ?", "", part.strip(), flags=re.M)
        assert "".join(cell["source"]) == text
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), "each ran, in order"
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    shown = {kind for output in outputs for kind in output.get("data", {})}
    assert {"text/html", "application/vnd.plotly.v1+json"} <= shown
    assert '<progress value=\\"12\\" max=\\"12\\"></progress> 12/12 trials: ' in json.dumps(cells)
    assert cells[-1]["outputs"][0]["data"]["text/plain"] == ["True"]
    return cells


@pytest.mark.slow
def test_the_script_makes_the_notebook(tmp_path: Path) -> None:
    for tool in ("jupytext", "nbconvert", "ipykernel"):
        pytest.importorskip(tool, reason=f"{tool} builds the notebook: pip install -e '.[dev]'")
    built = tmp_path / "notebook.ipynb"
    # The command of docs/README.md, into another place.
    done = subprocess.run(
        [sys.executable, "-m", "jupytext", "--to", "ipynb", "--set-kernel", "python3", "--execute",
         "--output", built, DOCS / "notebook.py"],
        env={**os.environ, "TMPDIR": str(tmp_path), "IPYTHONDIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells_of(built)


def test_the_committed_notebook_is_the_script_executed() -> None:
    cells_of(DOCS / "notebook.ipynb")
