"""The page of a run as HTML, for runs of every state, and the command that writes it."""

import html
from collections.abc import Callable
from pathlib import Path

import pytest

from results import layout, view_run
from results.errors import ResultsError
from results.files import write_json
from results.status import Status
from search.cli import main

MakeRun = Callable[..., Path]
MakeStudy = Callable[..., Path]


def test_a_run_that_never_logged_its_studys_metric_has_a_page(
    make_study: MakeStudy, make_run: MakeRun
) -> None:
    make_study("s", metric="val_accuracy", goal="max")
    path = view_run(make_run({"loss": 1.0}, study="s", status=Status.FAILED))
    assert '<th scope="col">last epoch (1)</th>' in path.read_text()
    assert "<dt>Best" not in path.read_text()


@pytest.mark.parametrize(
    "name", [layout.RUN, layout.OUTCOME, layout.PROPERTIES, layout.EVALUATION, layout.METRICS]
)
def test_a_damaged_file_breaks_no_page(name: str, make_run: MakeRun) -> None:
    run = make_run({"loss": 1.0}, flags={"lr": 0.1}, script="train.py", seed=1)
    for content in ("torn", '{"flags": [1], "script": 5, "seed": {}, "versions": 1, "cpu_seconds": "x"}'):
        (run / name).write_text(content)
        assert view_run(run).read_text().endswith("</html>\n")


def test_a_link_in_the_source_is_not_followed(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("SECRET = 1")
    run = make_run()
    (run / layout.SOURCE).mkdir()
    (run / layout.SOURCE / "link.py").symlink_to(tmp_path / "secret.py")
    assert "SECRET" not in view_run(run).read_text()


def test_what_is_too_long_is_named_with_its_place(make_run: MakeRun) -> None:
    run = make_run(script="train.py")
    (run / layout.SOURCE).mkdir()
    (run / layout.SOURCE / "train.py").write_text("a = 1\n")
    (run / layout.SOURCE / "data.py").write_text("#" * 400_000)
    page = view_run(run).read_text()
    assert f"data.py is too large for this page; it is {run.as_posix()}/source/data.py." in page
    assert "<summary>train.py</summary>" in page


def test_the_command_writes_the_page_and_prints_its_path(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    first, last = make_run(), make_run()
    for arguments, expected in (
        (["--html"], f"{last}/run.html"),
        ([first.name, "--html"], f"{first}/run.html"),
        (["--html", "--output", "x.html"], "x.html"),
    ):
        assert main(["show", *arguments]) == 0
        assert capsys.readouterr().out == f"{expected}\n"
        assert Path(expected).is_file()
    assert main(["show", "--html", "--json"]) == 2
    assert "--html writes a page" in capsys.readouterr().err


def test_what_cant_be_written_is_an_error(make_run: MakeRun, make_study: MakeStudy) -> None:
    with pytest.raises(ResultsError, match=r"^no runs in 'runs'$"):
        view_run()
    run = make_run()
    with pytest.raises(ResultsError, match=r"^can't write the page 'no/x.html': No such file or directory$"):
        view_run(run, output="no/x.html")


def test_the_command_that_reproduces_a_run_is_quoted_for_a_shell(make_run: MakeRun) -> None:
    run = make_run(
        flags={"text": "a b'c", "nothing": None, "on": True, "dash": "--x"}, script="my train.py", seed=3
    )
    write_json(run / layout.PROPERTIES, {"samples": 10})
    page = html.unescape(view_run(run).read_text())
    quoted = """'a b'"'"'c'"""
    command = f"gridruns train 'my train.py' --seed 3 -- --text {quoted} --nothing null --on true --dash=--x"
    assert command in page
