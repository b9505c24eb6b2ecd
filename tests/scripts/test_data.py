"""The data of the experiment scripts: shapes, ranges, splits, and no data set in another's place."""

import os
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(autouse=True)
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where arrays are kept."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture(scope="module")
def data() -> Iterator[ModuleType]:
    sys.path.insert(0, str(SCRIPTS))
    yield imported(SCRIPTS / "data.py")
    sys.path.remove(str(SCRIPTS))


def imported(file: Path) -> ModuleType:
    spec = spec_from_file_location("digits_data", file)
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


def test_another_file_of_the_same_name_is_another_data_set(
    data: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "mnist.npz"))
    for images in (30, 20, 30):
        write_mnist(tmp_path / "mnist.npz", images, 12)
        assert len(data.load("mnist").x_train) == images
    assert len(list((tmp_path / "keras" / "shared").glob("*/"))) == 2


def test_another_way_to_scale_is_another_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(tmp_path / "mnist.npz", 30, 12)
    monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "mnist.npz"))
    monkeypatch.syspath_prepend(str(SCRIPTS))
    source = (SCRIPTS / "data.py").read_text()
    for text, brightest in ((source, 1), (source.replace("np.float32(white)", "np.float32(white * 2)"), 0.5)):
        (tmp_path / "data.py").write_text(text)
        copied = imported(tmp_path / "data.py")
        (tmp_path / "data.py").write_text("edited after the import")
        assert copied.load("mnist").x_train.max() == brightest


def test_a_missing_file_is_an_error(
    data: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "nowhere.npz"))
    with pytest.raises(FileNotFoundError):
        data.load("mnist")


def test_an_unknown_name_is_an_error(data: ModuleType) -> None:
    law = r"data must be one of mnist, digits or a \.csv file, but got 'letters'"
    with pytest.raises(ValueError, match=law):
        data.load("letters")


def test_shuffling_keeps_each_image_with_its_label(data: ModuleType) -> None:
    plain = data.load("digits")
    first, again, other = (data.shuffled(plain, seed) for seed in (1, 1, 2))
    assert (first.x_train == again.x_train).all()
    assert not (first.x_train == other.x_train).all()

    def pairs(found: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return sorted((*x, *y) for x, y in zip(found[0].tolist(), found[1].tolist(), strict=True))

    assert pairs(first) == pairs(plain)
    assert (first.x_test == plain.x_test).all()


def write_csv(path: Path, count: int, pixels: int = 4) -> Path:
    """Images whose first two pixels are the number of their row."""
    head = ["label", *(f"pixel{i}" for i in range(pixels))]
    rows = [[i % 10, i // 256, i % 256, *[255] * (pixels - 2)] for i in range(count)]
    path.write_text("\n".join(",".join(map(str, row)) for row in [head, *rows]) + "\n")
    return path


def test_a_csv_has_three_parts_that_share_no_image(data: ModuleType, tmp_path: Path) -> None:
    file = str(write_csv(tmp_path / "train.csv", 500))
    test, holdout = data.load(file), data.load(file, "holdout")
    assert [array.shape for array in test] == [(400, 4), (400, 10), (80, 4), (80, 10)]
    assert holdout.x_test.shape == (20, 4)
    assert (test.x_train == holdout.x_train).all()
    numbers = [
        {round(256 * 255 * row[0] + 255 * row[1]) for row in part.tolist()}
        for part in (test.x_train, test.x_test, holdout.x_test)
    ]
    assert sorted(n for part in numbers for n in part) == list(range(500))
    assert {array.dtype for array in test} == {np.dtype("float32")}
    assert test.x_train[:, 2].min() == 1
    # Every part holds the ten classes alike, and each image has kept its label.
    assert set(test.y_train.sum(axis=0)) == {40}
    assert set(holdout.y_test.sum(axis=0)) == {2}
    labels = (255 * test.x_train[:, 1] + 256 * 255 * test.x_train[:, 0]).round() % 10
    assert (labels == test.y_train.argmax(axis=1)).all()


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("", "must begin with label,pixel0,pixel1"),
        ("pixel0,label\n1,2\n", "must begin with label,pixel0,pixel1"),
        ("label,pixel0\n10,2\n", r"labels of .* must be in 0\.\.9, but got 10"),
        ("label,pixel0\n1,256\n", r"train\.csv must hold whole numbers in 0\.\.255: .*'256'.* row 0"),
        ("label,pixel0\n1,0.5\n", r"train\.csv must hold whole numbers in 0\.\.255: .*'0.5'"),
        ("label,pixel0\n1,-1\n", r"train\.csv must hold whole numbers in 0\.\.255: .*'-1'"),
        ("label,pixel0\none,2\n", r"train\.csv must hold whole numbers in 0\.\.255: .*'one'"),
        ("label,pixel0\n#1,2\n3,4\n", r"train\.csv must hold whole numbers in 0\.\.255: .*'#1'"),
        ("label,pixel0\n1,2,3\n2,3\n", r"train\.csv must hold whole numbers in 0\.\.255: .*columns"),
        ("label,pixel0,pixel1\n1,2\n3,4\n", r"each line of .*train\.csv must hold 3 numbers, .* but got 2"),
        ("label,pixel0\n1,2,3\n3,4,5\n", r"each line of .*train\.csv must hold 2 numbers, .* but got 3"),
        (
            "label,pixel0\n",
            r"train\.csv must hold enough images of each class for three parts: .*n_samples=0",
        ),
        ("label,pixel0\n1,2\n1,3\n", r"train\.csv must hold enough images of each class for three parts: "),
    ],
)
def test_a_csv_of_another_form_is_an_error(data: ModuleType, tmp_path: Path, text: str, law: str) -> None:
    (tmp_path / "train.csv").write_text(text)
    with pytest.raises(ValueError, match=law):
        data.load(str(tmp_path / "train.csv"))


def test_only_a_csv_has_hold_out_images(data: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="held_out must be test for the data set digits, but got 'holdout'"):
        data.load("digits", "holdout")
    with pytest.raises(ValueError, match="held_out must be one of test, holdout, but got 'train'"):
        data.load(str(write_csv(tmp_path / "train.csv", 100)), "train")


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
