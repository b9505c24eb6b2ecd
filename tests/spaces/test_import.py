"""Importing the room brings nothing heavy into a training script, and every name it promises."""

import subprocess
import sys

import spaces

HEAVY = (
    "pandas",
    "numpy",
    "ruamel",
    "optuna",
    "tensorflow",
    "keras",
    "keras_tuner",
    "argparse",
    "hashlib",
    "json",
)


def loaded_after(code):
    command = f"{code}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()} - {"site"}


def test_declaring_flags_loads_no_heavy_package():
    loaded = loaded_after("from spaces import flags, flag_numeric; flags(flag_numeric('x', 1), argv=[])")
    assert not loaded & set(HEAVY)


def test_a_space_loads_no_heavy_package():
    assert not loaded_after("from spaces import Space; Space({'a': [1]}).order(1)") & set(HEAVY[:7])


def test_every_promised_name_is_there():
    assert all(getattr(spaces, name) is not None for name in spaces.__all__)
    assert set(spaces.__all__) <= set(dir(spaces))
    assert not hasattr(spaces, "Spaces")
