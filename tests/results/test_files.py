import json
import math
import os
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from results.files import encode, number, read_json, read_lines, scan_lines, write_json


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e-300, -0.0, 3.0, 1.7976931348623157e308])
def test_a_float_keeps_all_its_digits(tmp_path: Path, value: float) -> None:
    write_json(tmp_path / "a.json", {"x": value})
    assert repr(read_json(tmp_path / "a.json")["x"]) == repr(value)


def test_values_that_are_not_finite_are_text_in_valid_json_and_come_back_as_numbers(tmp_path: Path) -> None:
    values = [math.nan, math.inf, -math.inf, np.float32("nan")]
    write_json(tmp_path / "a.json", {"x": values})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"x": ["NaN", "Infinity", "-Infinity", "NaN"]}
    assert [repr(number(x)) for x in json.loads(text)["x"]] == ["nan", "inf", "-inf", "nan"]


def test_numpy_scalars_are_the_numbers_they_are() -> None:
    assert json.loads(encode({"i": np.int64(7), "f": np.float32(0.5), "b": np.bool_(True)})) == {
        "i": 7,
        "f": 0.5,
        "b": True,
    }


def test_what_json_has_no_form_for_is_an_error_and_the_file_stays_as_it_was(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"x": object()})
    assert read_json(tmp_path / "a.json") == {"x": 1}
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError):
        write_json(tmp_path / "a.json", {})
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("durable", [False, True])
def test_a_reader_never_sees_a_part(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"n": 0, "fill": ""})
    done = threading.Event()
    seen = []

    def read() -> None:
        while not done.is_set():
            seen.append(read_json(path))

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(100):
        write_json(path, {"n": n, "fill": "x" * n * 100}, durable=durable)
    done.set()
    reader.join()
    assert seen and all(found is not None and len(found["fill"]) == found["n"] * 100 for found in seen)


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_json(tmp_path / "a.json", {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o644


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"3", b"[" * 100_000, b"\0" * 50])
def test_garbage_reads_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert read_json(tmp_path / "a.json") is None


def test_a_missing_file_or_a_directory_reads_as_none(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") is None
    assert read_json(tmp_path) is None
    assert read_lines(tmp_path / "none.jsonl") == []
    assert scan_lines(tmp_path) == ([], 1)


def test_torn_and_garbage_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n\xff\xff\n[2]\n\n{"a": 3}\n{"a": 4')
    assert read_lines(path) == [{"a": 1}, {"a": 3}]
    assert scan_lines(path)[1] == 3


@pytest.mark.parametrize("value", [True, None, "0.5", [], 10**400])
def test_what_is_no_metric_value_is_none(value: object) -> None:
    assert number(value) is None
