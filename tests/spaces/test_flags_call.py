"""`flags()` in a plain script: precedence, --help, and one line and exit code 2 for a mistake."""

import copy
import os
import subprocess
import sys

import pytest

from spaces import FlagError, flag_boolean, flag_integer, flag_numeric, flag_string, flags, resolve

DECLARED = (
    flag_integer("nodes1", 256, "Units, 50% of them idle.", choices=[64, 128, 256]),
    flag_numeric("lr", 0.01, low=1e-5, high=1.0, log=True),
    flag_numeric("shift", 0),
    flag_boolean("augment", False),
    flag_string("data", "digits"),
)
DEFAULTS = {"nodes1": 256, "lr": 0.01, "shift": 0, "augment": False, "data": "digits"}


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_source_wins_over_the_one_before(directory):
    assert resolve(DECLARED) == DEFAULTS
    (directory / "flags.yml").write_text("nodes1: 64\nlr: 0.1\ndata: file\n")
    assert resolve(DECLARED) == DEFAULTS | {"nodes1": 64, "lr": 0.1, "data": "file"}
    argv = ["--nodes1", "128", "--lr=1"]
    assert resolve(DECLARED, argv=argv) == DEFAULTS | {"nodes1": 128, "lr": 1.0, "data": "file"}
    assert resolve(DECLARED, argv=argv, values={"lr": 0.5}) == DEFAULTS | {
        "nodes1": 128,
        "lr": 0.5,
        "data": "file",
    }


def test_values_are_read_by_attribute_and_by_name_and_never_change():
    read = flags(*DECLARED, argv=["--shift", "-1e-5", "--data=--odd", "--augment", "true"])
    assert (read.shift, read["data"], read.augment) == (-1e-5, "--odd", True)
    assert dict(read) == DEFAULTS | {"shift": -1e-5, "data": "--odd", "augment": True}
    assert repr(flags(*DECLARED[:2], argv=[])) == "FlagValues(nodes1=256, lr=0.01)"
    assert copy.deepcopy(read) == read and "nodes1" in dir(read) and "node" not in read
    with pytest.raises(AttributeError, match="unknown flag 'nodes'; did you mean 'nodes1'"):
        _ = read.nodes
    with pytest.raises(KeyError, match="did you mean 'nodes1'"):
        read["nodes"]
    with pytest.raises(AttributeError, match="flags are immutable"):
        read.nodes1 = 1
    with pytest.raises(AttributeError, match="flags are immutable"):
        del read.nodes1


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--nodes1", "63"], "flag nodes1 must be one of 64, 128, 256, but got 63"),
        (["--nodes1", "2.7"], "flag nodes1 must be one of 64, 128, 256, but got '2.7'"),
        (["--node", "64"], "unknown flag '--node'; did you mean '--nodes1'?"),
        (["--augment"], "--augment must have a value, as in --augment=VALUE, but got none"),
        (["--data", "--nodes1=64"], "--data must have a value, as in --data=VALUE, but got none"),
        (["--lr", "1", "--lr=1"], "--lr must be given once, but got it twice"),
        (["64"], "flags are given as --name VALUE, but got '64'"),
        (["--lr", "2"], "flag lr must be a float from 1e-05 to 1.0 (log), but got 2"),
        (["--profile", "small"], "profile 'small' needs a flags file, but there is no flags.yml here"),
        (["--flags-file", "none.yml"], "cannot read none.yml: No such file or directory"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line_and_exit_code_2(argv, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dir/train.py", *argv])
    with pytest.raises(SystemExit) as exit:
        flags(*DECLARED)
    assert exit.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith(f"train.py: {message}") and err.count("\n") == 1


def test_a_mistake_in_flags_yml_exits_too_but_raises_with_an_own_argv(directory, monkeypatch, capsys):
    (directory / "flags.yml").write_text("nodes1: 63\n")
    monkeypatch.setattr(sys, "argv", ["train.py"])
    with pytest.raises(SystemExit):
        flags(*DECLARED)
    assert capsys.readouterr().err.startswith("train.py: flags.yml: flag nodes1 must be one of")
    with pytest.raises(FlagError, match=r"flags\.yml: flag nodes1 must be one of 64, 128, 256, but got 63"):
        flags(*DECLARED, argv=[])


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_flags(option, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--lr", "1", option])
    with pytest.raises(SystemExit) as exit:
        flags(*DECLARED)
    assert exit.value.code == 0
    out = capsys.readouterr().out
    assert (
        "  --nodes1 INTEGER\n        Units, 50% of them idle.\n        default 256; one of 64, 128, 256\n"
        in out
    )
    assert "  --augment BOOLEAN\n        default False\n" in out
    assert "--profile NAME" in out and "--flags-file FILE" in out


def test_minus_h_after_an_option_is_its_value():
    assert flags(*DECLARED, argv=["--data", "-h"]).data == "-h"


def test_declarations_and_the_callers_values_are_checked():
    with pytest.raises(FlagError, match="flag data is declared twice"):
        flags(*DECLARED, flag_string("data", ""), argv=[])
    with pytest.raises(FlagError, match="but got 'nodes1'"):
        flags("nodes1", argv=[])
    with pytest.raises(FlagError, match="unknown flag 'node1'; did you mean 'nodes1'"):
        resolve(DECLARED, values={"node1": 64})
    with pytest.raises(FlagError, match=r"flag nodes1 must be one of 64, 128, 256, but got 64\.0"):
        resolve(DECLARED, values={"nodes1": 64.0})


SCRIPT = """
from spaces import flags, flag_integer
FLAGS = flags(flag_integer("nodes1", 256, "Units.", choices=[64, 128, 256]))
print(FLAGS.nodes1)
"""


@pytest.mark.parametrize(
    ("argv", "code", "out", "err"),
    [
        (["--nodes1", "64"], 0, "64\n", ""),
        (["--profile", "small"], 0, "128\n", ""),
        (["--nodes1=63"], 2, "", "train.py: flag nodes1 must be one of 64, 128, 256, but got 63\n"),
    ],
)
def test_a_script_runs_without_gridruns(directory, argv, code, out, err):
    (directory / "train.py").write_text(SCRIPT)
    (directory / "flags.yml").write_text("default: {}\nsmall: {nodes1: 128}\n")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run(
        [sys.executable, "train.py", *argv],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)
