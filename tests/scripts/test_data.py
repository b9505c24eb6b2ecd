"""The data of the experiment scripts: shapes, ranges, splits, and no data set in another's place."""

import os
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="module")
def data() -> ModuleType:
    spec = spec_from_file_location("digits_data", SCRIPTS / "data.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_mnist(path: Path, train: int, test: int) -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (train + test, 28, 28), dtype=np.uint8)
    pixels[0, 0, :2] = 0, 255
    digits = np.arange(train + test, dtype=np.uint8) % 10
    np.savez(
        path, x_train=pixels[:train], y_train=digits[:train], x_test=pixels[train:], y_test=digits[train:]
    )


def test_digits(data: ModuleType) -> None:
    found = data.load("digits")
    assert [array.shape for array in found] == [(1437, 64), (1437, 10), (360, 64), (360, 10)]
    assert {array.dtype for array in found} == {np.dtype("float32")}
    assert (found.x_train.min(), found.x_train.max()) == (0, 1)
    assert set(found.y_train.sum(axis=1)) == {1}
    # Both parts hold the classes in the proportions of the whole: 174 to 183 of 1,797 each.
    assert all(34 <= count <= 38 for count in found.y_test.sum(axis=0))


def test_digits_are_the_same_every_time_and_shuffled(data: ModuleType) -> None:
    first, second = data.load("digits"), data.load("digits")
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    # The original begins 0, 1, 2 ... 9, 0, 1, 2 ...
    assert first.y_train[:10].argmax(axis=1).tolist() != list(range(10))
    assert all(count > 15 for count in first.y_train[-288:].sum(axis=0))


def test_mnist_comes_from_the_named_file_in_its_order(
    data: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mnist(tmp_path / "mnist.npz", 30, 12)
    monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "mnist.npz"))
    found = data.load("mnist")
    assert [array.shape for array in found] == [(30, 784), (30, 10), (12, 784), (12, 10)]
    assert {array.dtype for array in found} == {np.dtype("float32")}
    assert found.x_train[0, :2].tolist() == [0, 1]
    assert found.y_train.argmax(axis=1).tolist() == [i % 10 for i in range(30)]


def test_a_missing_file_is_an_error(
    data: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "nowhere.npz"))
    with pytest.raises(FileNotFoundError):
        data.load("mnist")


def test_an_unknown_name_is_an_error(data: ModuleType) -> None:
    with pytest.raises(ValueError, match="data must be one of mnist, digits, but got 'letters'"):
        data.load("letters")


@pytest.mark.mnist
@pytest.mark.skipif(
    not os.environ.get("MNIST_NPZ"), reason="MNIST_NPZ names no file: the real MNIST is NOT tested"
)
def test_the_real_mnist(data: ModuleType) -> None:
    found = data.load("mnist")
    assert [len(array) for array in found] == [60000, 60000, 10000, 10000]
    # Mean and standard deviation of the training pixels, to the digits usually quoted.
    assert abs(found.x_train.mean(dtype="float64") - 0.13066) < 5e-6
    assert abs(found.x_train.std(dtype="float64") - 0.30811) < 5e-6
