"""The command line: output, exit codes, one line an error."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pandas as pd
import psutil
import pytest

from search.cli import main
from tests.search.support import Write

SCRIPT = """
    from results import log_metrics
    from spaces import flag_integer, flag_numeric, flag_string, flags
    FLAGS = flags(flag_integer("a", 1), flag_numeric("lr", 0.1), flag_string("word", "x y"))
    print("hello from the script")
    log_metrics(1, val_loss=FLAGS.a / 7)
"""


@pytest.fixture
def script(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    write(SCRIPT)
    monkeypatch.chdir(tmp_path)
    return "code/train.py"


def gridruns(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gridruns", *arguments], capture_output=True, text=True, check=False, **more
    )  # type: ignore[call-overload]


def test_tune_shows_plan_best_runs_and_what_to_do_next(script: str) -> None:
    done = gridruns(
        "tune", script, "--set", "a=1,2,3,4", "--set", "lr=0.1,0.2", "--sample", "0.5", "--seed", "3"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("4 of 8 combinations (50.0%), ")
    assert lines[0].endswith("at a time, seed 3")
    assert "The best 4 of 4 runs:" in done.stdout
    assert "gridruns tensorboard train-" in done.stdout
    assert "4/4 trials" in done.stderr
    (again,) = [line for line in lines if "gridruns train code/train.py --seed" in line]
    assert "--word 'x y'" in again
    repeated = subprocess.run(again.split("#")[0].replace("gridruns", f"{sys.executable} -m gridruns", 1),
                              shell=True, capture_output=True, text=True, check=True)  # fmt: skip
    assert "hello from the script" in repeated.stdout
    assert "status" in repeated.stdout


def test_the_chapters_plan(script: str, write: Write) -> None:
    write(
        """
        from results import log_metrics
        from spaces import flag_integer, flag_numeric, flag_string, flags
        FLAGS = flags(
            flag_integer("nodes1", 1), flag_integer("nodes2", 1), flag_integer("nodes3", 1),
            flag_numeric("dropout1", 0.1), flag_numeric("dropout2", 0.1), flag_numeric("dropout3", 0.1),
            flag_string("optimizer", "adam"), flag_numeric("lr_annealing", 0.1),
        )
        log_metrics(1, val_loss=FLAGS.dropout1)
        """,
        "chapter.py",
    )
    done = gridruns("tune", "code/chapter.py", "--space", "mnist_grid_search", "--sample", "0.05")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("146 of 2,916 combinations (5.0%)")
    assert len(json.loads(gridruns("ls", "--json").stdout)) == 146


def test_listings_as_text_json_and_csv(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", script, "--set", "a=3,1,2", "--study", "s", "--quiet"]) == 0
    capsys.readouterr()
    assert main(["ls", "s"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[0] == "rank"
    assert main(["ls", "s", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["flag_a"] for row in rows] == [1, 2, 3]
    assert rows[0]["best_val_loss"] == 1 / 7
    assert main(["ls", "s", "--csv"]) == 0
    table = pd.read_csv(StringIO(capsys.readouterr().out))
    assert list(table["best_val_loss"]) == [1 / 7, 2 / 7, 3 / 7]
    assert main(["best", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["flag_a"] == 1
    assert main(["show", rows[2]["run_dir"].rsplit("/", 1)[1]]) == 0
    shown = capsys.readouterr().out
    assert "flag_a                3" in shown or "flag_a" in shown
    assert "gridruns train code/train.py --seed" in shown
    assert main(["best", "--metric", "val_loss", "--goal", "max", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["flag_a"] == 3


def test_train_shows_the_output_and_takes_flags_after_the_dashes(script: str) -> None:
    done = gridruns("train", script, "--seed", "5", "--", "--a", "3", "--word=no")
    assert done.returncode == 0, done.stderr
    assert "hello from the script" in done.stdout
    assert "flag_a" in done.stdout
    row = json.loads(gridruns("show", "--json").stdout)[0]
    assert (row["flag_a"], row["flag_word"], row["seed"]) == (3, "no", 5)


def test_exit_codes(script: str, write: Write) -> None:
    write(SCRIPT + "    raise RuntimeError('broken')\n", "broken.py")
    assert gridruns("train", "code/broken.py").returncode == 1
    done = gridruns("tune", "code/broken.py", "--set", "a=1,2", "--metric", "nothing")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "gridruns: no trial ended with a value of the metric 'nothing'"
    )
    done = gridruns("tune", script, "--set", "a=1,2", "--metric", "val_los")
    assert done.returncode == 1
    assert "logged were: val_loss" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tune", "missing.py"], "the script 'missing.py' doesn't exist"),
        (["tune", "code/noflags.py"], "never called flags()"),
        (["tune", "code/train.py", "--set", "aa=1"], "did you mean 'a'"),
        (["tune", "code/train.py", "--space", "bad.yaml"], "bad.yaml"),
        (["tune", "code/train.py", "--space", "mnist_grid_serch"], "did you mean 'mnist_grid_search'"),
        (["tune", "code/train.py", "--set", "a=1.5"], "1.5"),
        (["tune", "code/train.py", "--set", "a="], "a"),
        (["tune", "code/train.py", "--set", "a=1,2", "--sample", "0"], "sample must be in (0, 1], but got 0"),
        (["tune", "code/train.py", "--set", "a=1,2", "--sample", "-1"], "sample must be in (0, 1]"),
        (["tune", "code/train.py", "--set", "a=1,2", "--sample", "3"], "sample must be in (0, 1], but got 3"),
        (["tune", "code/train.py", "--set", "a=1,2", "--sample", "abc"], "'abc'"),
        (["tune", "code/train.py", "--set", "a=1,2", "--sampler", "tpee"], "unknown sampler 'tpee'"),
        (["tune", "code/train.py", "--set", "a=1,2", "--goal", "up"], "goal must be"),
        (["tune", "code/train.py", "--set", "a=1,2", "--workers", "x"], "workers must be"),
        (["tune", "code/train.py", "--set", "a=1,2", "--study", "../x"], "study's name"),
        (["tune", "code/train.py", "--set", "a=1,2", "--runs-dir", "/dev/null/runs"], "/dev/null"),
        (["tune", "code/train.py"], "nothing to search"),
        (["tune", "code/train.py", "--nodes", "1"], "--nodes"),
        (["tune"], "SCRIPT"),
        (["tuen"], "tuen"),
        (["train", "missing.py"], "doesn't exist"),
        (["train", "code/train.py", "--", "--aa", "1"], "aa"),
        (["train", "code/train.py", "--", "--a", "x"], "'x'"),
        (["ls"], "runs"),
        (["best"], "runs"),
        (["show", "nothing"], "no directory of runs at 'runs'"),
        (["tensorboard", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    arguments: list[str], message: str, script: str, tmp_path: Path, write: Write,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write("print('no flags')\n", "noflags.py")
    (tmp_path / "bad.yaml").write_text("a: [1, 2\nb: 3\n")
    before = sorted(path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts)
    assert main(arguments) == 2
    captured = capfd.readouterr()
    assert message in captured.err
    assert captured.err.startswith("gridruns: ")
    assert captured.err.count("\n") == 1
    assert sorted(path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts) == before


def test_a_yaml_error_has_line_and_column(
    script: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.yaml").write_text("a: [1, 2]\nb: }\n")
    assert main(["tune", script, "--space", "bad.yaml"]) == 2
    assert "line 2, column 4" in capfd.readouterr().err


def test_help_has_examples_and_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom search.cli import main\nmain(['--help'])\n"
        "heavy = {'optuna', 'pandas', 'numpy', 'tensorflow', 'keras', 'plotly', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Examples:" in done.stdout
    for command in ("train", "tune", "ls", "best", "show", "tensorboard"):
        assert "Example" in gridruns(command, "--help").stdout


@pytest.fixture
def slow_search(script: str, write: Write, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A search whose trials log once and then sleep with a child of their own; they have logged."""
    write(
        SCRIPT + "    import subprocess\n    subprocess.Popen(['sleep', '600'])\n"
        "    import time\n    time.sleep(600)\n",
        "slow.py",
    )
    command = [sys.executable, "-m", "gridruns", "tune", "code/slow.py", "--set", "a=1,2,3", "--study", "s"]
    command += ["--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while len(_sleepers(process.pid)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
        process.kill()


def _sleepers(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children(recursive=True) if _name(child) == "sleep"]


def _name(process: psutil.Process) -> str | None:
    """The name of a process that was listed a moment ago; None where it has ended."""
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return None


@pytest.mark.parametrize(
    ("signals", "code"), [([signal.SIGINT, signal.SIGINT], 130), ([signal.SIGTERM], 143)]
)
def test_stopping_at_once_leaves_no_process_and_marks_the_trials(
    signals: list[int], code: int, slow_search: subprocess.Popen[str]
) -> None:
    family = psutil.Process(slow_search.pid).children(recursive=True)
    for number in signals:
        slow_search.send_signal(number)
        if len(signals) > 1 and number is signals[0]:  # two signals at the same moment are one
            assert slow_search.stderr is not None
            heard = iter(slow_search.stderr.readline, "")
            assert any("running trials finish first" in line for line in heard)
            signals = signals[1:]
    output, errors = slow_search.communicate(timeout=60)
    assert slow_search.returncode == code
    assert errors.splitlines()[-1] == "gridruns: stopped"
    assert "gridruns resume s " in output
    assert not psutil.wait_procs(family, timeout=60)[1]
    rows = json.loads(gridruns("ls", "s", "--json").stdout)
    assert [row["status"] for row in rows] == ["interrupted"] * 2


def test_the_first_ctrl_c_lets_running_trials_finish(script: str, write: Write, tmp_path: Path) -> None:
    write(
        SCRIPT + "    import os, time\n    while not os.path.exists('go'):\n        time.sleep(0.01)\n"
        "    log_metrics(2, val_loss=0.5)\n",
        "slow.py",
    )
    command = [sys.executable, "-m", "gridruns", "tune", "code/slow.py", "--set", "a=1,2,3,4,5,6"]
    with subprocess.Popen(
        [*command, "--study", "s", "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob("runs/s/*/metrics.jsonl"))) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert any("running trials finish first" in line for line in iter(process.stderr.readline, ""))
        (tmp_path / "go").touch()
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "gridruns resume s " in output
    rows = json.loads(gridruns("ls", "s", "--json").stdout)
    assert [(row["status"], row["metric_val_loss"]) for row in rows] == [("completed", 0.5)] * 2
    done = gridruns("resume", "--quiet")
    assert done.returncode == 0, done.stderr
    rows = json.loads(gridruns("ls", "s", "--json").stdout)
    assert sorted(row["flag_a"] for row in rows if row["status"] == "completed") == [1, 2, 3, 4, 5, 6]


def test_a_killed_search_leaves_no_process(slow_search: subprocess.Popen[str]) -> None:
    family = psutil.Process(slow_search.pid).children(recursive=True)
    assert len(family) == 5  # the warm parent, two trials, what each of these started
    slow_search.send_signal(signal.SIGKILL)
    assert not psutil.wait_procs(family, timeout=60)[1]
    rows = json.loads(gridruns("ls", "s", "--json").stdout)
    assert [row["metric_val_loss"] for row in rows] == [row["flag_a"] / 7 for row in rows]
