"""The notebook in docs/: its script runs, and what is committed is what the script says, executed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.slow
def test_the_notebooks_script_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "notebook.py"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "12 of 16 combinations (75.0%)" in done.stdout


def test_the_notebook_is_the_script_executed() -> None:
    cells = json.loads((DOCS / "notebook.ipynb").read_text())["cells"]
    # A cell's first line is "# %%", with its kind behind it.
    parts = re.split(r"^# %%.*\n", (DOCS / "notebook.py").read_text(), flags=re.MULTILINE)[1:]
    assert len(parts) == len(cells)
    for part, cell in zip(parts, cells, strict=True):
        text = part.strip() if cell["cell_type"] == "code" else re.sub(r"^# ?", "", part.strip(), flags=re.M)
        assert "".join(cell["source"]) == text
    shown = {kind for cell in cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert {"text/html", "application/vnd.plotly.v1+json"} <= shown
    assert not [
        output for cell in cells for output in cell.get("outputs", []) if output["output_type"] == "error"
    ]
    assert '<progress value=\\"12\\" max=\\"12\\"></progress> 12/12 trials: ' in json.dumps(cells)
    assert cells[-1]["outputs"][0]["data"]["text/plain"] == ["True"]
