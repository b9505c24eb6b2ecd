"""How gridruns calls a script: values provided, declarations taken."""

import sys
from threading import Thread

import pytest

from spaces import Declared, FlagError, declaring, flag_integer, flag_string, flags, provide

DECLARED = (flag_integer("nodes", 1), flag_string("data", "a"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["script.py", "--nodes", "99", "--help"])
    (tmp_path / "flags.yml").write_text("nodes: 98\n")


def test_provided_values_are_the_only_source():
    with provide({"nodes": 5}):
        assert dict(flags(*DECLARED, file="gone.yml", argv=["--nodes", "7"])) == {"nodes": 5, "data": "a"}


def test_provided_values_are_checked():
    with provide({"node": 5}), pytest.raises(FlagError, match="unknown flag 'node'; did you mean 'nodes'"):
        flags(*DECLARED)
    with (
        provide({"nodes": 5.0}),
        pytest.raises(FlagError, match=r"flag nodes must be an integer, but got 5\.0"),
    ):
        flags(*DECLARED)


def test_they_reach_every_thread():
    seen = []
    with provide({"nodes": 5}):
        thread = Thread(target=lambda: seen.append(flags(*DECLARED).nodes))
        thread.start()
        thread.join()
    assert seen == [5]


def test_declaring_stops_the_script_at_its_flags():
    with declaring(), pytest.raises(Declared) as caught:
        try:
            flags(*DECLARED, file="f.yml", profile="small")
        except Exception:
            pytest.fail("a script's own except caught Declared")
    assert (caught.value.flags, caught.value.file, caught.value.profile) == (DECLARED, "f.yml", "small")


def test_the_innermost_counts_and_the_end_is_the_end():
    with provide({"nodes": 5}):
        with provide({"nodes": 6}):
            assert flags(*DECLARED).nodes == 6
        assert flags(*DECLARED).nodes == 5
        with declaring(), pytest.raises(Declared):
            flags(*DECLARED)
    with pytest.raises(SystemExit):
        flags(*DECLARED)


def test_an_error_in_the_script_ends_it_too():
    with pytest.raises(ZeroDivisionError), provide({"nodes": 5}):
        _ = 1 / 0
    with pytest.raises(SystemExit):
        flags(*DECLARED)


def test_two_that_overlap_are_an_error():
    first, second = provide({"nodes": 5}), provide({"nodes": 6})
    first.__enter__()
    second.__enter__()
    with pytest.raises(RuntimeError, match="one thread at a time"):
        first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    with pytest.raises(SystemExit):
        flags(*DECLARED)
