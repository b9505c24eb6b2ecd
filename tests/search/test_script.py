"""What is read from a script without running it."""

from pathlib import Path

import pytest

from search.script import ScriptError, read_script
from tests.search.support import Write


def test_imports_are_found_in_the_script_and_its_local_modules(write: Write) -> None:
    write("import json\nfrom . import shared\n", "pack/__init__.py")
    write("import wave\n", "pack/shared.py")
    write("def late():\n    import colorsys\n", "neighbour.py")
    script = write("""
        import keras.layers
        from sklearn.datasets import load_digits
        import neighbour, pack
        from spaces import flags
    """)
    read = read_script(script)
    assert {path.name for path in read.digests} == {"train.py", "neighbour.py", "__init__.py", "shared.py"}
    assert set(read.modules) == {
        "keras.layers", "sklearn.datasets", "sklearn.datasets.load_digits", "colorsys", "json", "wave",
    }  # fmt: skip


def test_a_change_is_noticed(write: Write) -> None:
    neighbour = write("X = 1\n", "neighbour.py")
    script = read_script(write("import neighbour\n"))
    assert script.changed() is None
    neighbour.write_text("X = 2\n")
    assert script.changed() == neighbour
    neighbour.unlink()
    assert script.changed() == neighbour


@pytest.mark.parametrize(
    ("text", "message"), [("x = (1,\n", "train.py line 1: '\\(' was never closed"), ("x = \0", "null bytes")]
)
def test_what_is_no_python_is_refused(text: str, message: str, write: Write) -> None:
    with pytest.raises(ScriptError, match=message):
        read_script(write(text))


def test_a_missing_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="doesn't exist"):
        read_script(tmp_path / "no.py")


@pytest.mark.parametrize("name", ["results.py", "spaces/__init__.py", "search.py", "gridruns.py"])
def test_a_neighbour_in_the_way_of_our_names_is_named(name: str, write: Write) -> None:
    shadow = write("", name)
    with pytest.raises(ScriptError, match=f"{shadow}.*rename it"):
        read_script(write("pass\n"))


def test_a_folder_of_data_named_like_ours_is_no_harm(write: Write) -> None:
    write("a,b\n", "results/table.csv")
    assert read_script(write("pass\n")).modules == ()
