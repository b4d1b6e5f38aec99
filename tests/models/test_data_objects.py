"""Objects as data sets: arrays, sequences, data sets of other libraries, and functions."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from infotheory.models import LabelledData, UnreadableSampleError
from infotheory.models.datasets import as_dataset, open_dataset

FEATURES = np.arange(12.0).reshape(4, 3)
LABELS = [1, 0, 1, 2]


def test_a_data_set_is_returned_as_it_is() -> None:
    data = as_dataset(FEATURES, LABELS)
    assert isinstance(data, LabelledData)
    assert as_dataset(data) is data
    with pytest.raises(ValueError, match=r"class_names must be left out .* got \('a',\)\."):
        as_dataset(data, class_names=["a"])


@pytest.mark.parametrize("pair", [False, True])
def test_arrays_with_labels(pair: bool) -> None:
    data = as_dataset((FEATURES, LABELS)) if pair else as_dataset(FEATURES, LABELS, name="mine")
    assert data.labels.tolist() == LABELS
    assert np.array_equal(data.sample(2), FEATURES[2])
    assert data.where(2) == f"row 2 of {'data' if pair else 'mine'}"
    assert len(data) == 4  # type: ignore[arg-type]


def test_tensors_and_frames_are_arrays() -> None:
    torch = pytest.importorskip("torch")
    data = as_dataset(torch.from_numpy(FEATURES).float(), torch.tensor(LABELS))
    assert data.sample(1).dtype == np.float32
    assert np.array_equal(data.sample(1), FEATURES[1])
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(FEATURES)
    assert np.array_equal(as_dataset(frame, pd.Series(LABELS)).sample(3), FEATURES[3])
    texts = as_dataset(pd.Series(["a", "b"]), pd.Series(["x", "y"]))
    assert texts.sample(1) == "b"
    assert texts.class_names == ("x", "y")


@pytest.mark.parametrize(
    "samples",
    [
        ["one", "two"],
        [("one", "two"), ("three", "four")],
        [np.zeros((2, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)],
        (np.zeros(3), np.ones(3)),
    ],
)
def test_sequences_are_taken_as_they_are(samples: Any) -> None:
    data = as_dataset(samples, ["b", "a"], class_names=["b", "a"])
    assert data.labels.tolist() == [0, 1]
    assert data.sample(1) is samples[1]


def test_a_sequence_of_tensors_gives_arrays() -> None:
    torch = pytest.importorskip("torch")
    data = as_dataset([torch.zeros(2), torch.ones(3)], [0, 1])
    assert isinstance(data.sample(1), np.ndarray)
    assert data.sample(1).tolist() == [1.0, 1.0, 1.0]


def test_fingerprints_see_arrays_texts_and_labels() -> None:
    other = FEATURES.copy()
    other[3, 2] += 1
    prints = [
        as_dataset(FEATURES, LABELS).fingerprint(),
        as_dataset(other, LABELS).fingerprint(),
        as_dataset(FEATURES.astype(np.float32), LABELS).fingerprint(),
        as_dataset(FEATURES, LABELS[::-1]).fingerprint(),
        as_dataset(["a", "b"], [0, 1]).fingerprint(),
        as_dataset(["a", "c"], [0, 1]).fingerprint(),
        as_dataset([("a", "b"), ("c", "d")], [0, 1]).fingerprint(),
        as_dataset([("a", "b"), ("c", "e")], [0, 1]).fingerprint(),
        as_dataset([object(), object()], [0, 1]).fingerprint(),
        as_dataset([FEATURES, FEATURES], [0, 1]).fingerprint(),
        as_dataset([FEATURES, other], [0, 1]).fingerprint(),
        as_dataset([FEATURES[0], FEATURES], [0, 1]).fingerprint(),
        as_dataset(Items([0, 1])).fingerprint(),
        as_dataset(Items([0, 1], shift=1)).fingerprint(),
        as_dataset(Items([0, 1], shift=2)).fingerprint(),
    ]
    assert len(set(prints)) == len(prints)
    assert as_dataset(FEATURES[:, ::-1].copy()[:, ::-1], LABELS).fingerprint() == prints[0]
    assert as_dataset([object(), object()], [0, 1]).fingerprint() == prints[8]
    assert as_dataset(Items([0, 1], shift=2)).fingerprint() == prints[-1]


def test_fingerprints_see_images_and_pass_over_broken_ones(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

    def of(*levels: int) -> str:
        return as_dataset([image.new("L", (3, 3), level) for level in levels], [0, 1]).fingerprint()

    assert of(1, 2) == of(1, 2) != of(1, 3)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 50), dtype=np.uint8)
    image.fromarray(pixels).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with image.open(tmp_path / "a.png") as broken:
        assert as_dataset([broken, image.new("L", (3, 3))], [0, 1]).fingerprint() != of(0, 0)


def test_items_of_large_data_sets_are_looked_at_here_and_there() -> None:
    """Broken ones are for the reader of samples; a change of all of them is seen."""
    answers: list[Any] = [0] * 5000
    items = Items(answers, targets=answers.copy())
    answers[4999] = "broken"
    data = as_dataset(items)
    items.read = 0
    first = data.fingerprint()
    assert items.read == 2048
    answers[4999] = 0
    assert data.fingerprint() != first
    items.shift = 1e-9
    assert data.fingerprint() != first


class Items:
    """A data set as torch has it, which counts how often it is read."""

    def __init__(self, answers: Any, **attributes: Any) -> None:
        self._answers = answers
        self.read = 0
        self.shift = 0.0
        vars(self).update(attributes)

    def __len__(self) -> int:
        return len(self._answers)

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        if not 0 <= row < len(self):
            raise IndexError(row)
        self.read += 1
        if self._answers[row] == "broken":
            raise OSError("broken")
        return np.full(2, row + self.shift), self._answers[row]


def test_items_without_stored_labels_are_gone_through_once() -> None:
    items = Items(LABELS)
    data = as_dataset(items, name="items")
    assert data.labels.tolist() == LABELS
    assert items.read == 4
    assert data.sample(3).tolist() == [3.0, 3.0]
    assert data.where(3) == "item 3 of items"
    assert data.class_names is None


@pytest.mark.parametrize("attribute", ["targets", "labels"])
def test_stored_labels_save_reading_the_items(attribute: str) -> None:
    labels = [k % 3 for k in range(50)]
    items = Items(labels, **{attribute: labels}, classes=["x", "y", "z"])
    data = as_dataset(items)
    assert data.labels.tolist() == labels
    assert data.class_names == ("x", "y", "z")
    assert items.read == 3
    assert as_dataset(items, class_names=["u", "v", "w"]).class_names == ("u", "v", "w")


@pytest.mark.parametrize("wrong", [0, 25, 49])
def test_stored_labels_that_items_contradict_are_not_used(wrong: int) -> None:
    labels = [k % 3 for k in range(50)]
    stored = labels.copy()
    stored[wrong] += 1
    assert as_dataset(Items(labels, targets=stored)).labels.tolist() == labels
    assert as_dataset(Items(labels, targets=labels[:-1])).labels.tolist() == labels


def test_stored_labels_that_only_some_items_contradict_are_refused_when_these_are_read() -> None:
    labels = [k % 3 for k in range(50)]
    stored = labels.copy()
    stored[7] = 2
    data = as_dataset(Items(labels, targets=stored))
    assert data.sample(6).tolist() == [6.0, 6.0]
    fact = r"labels of data must be those of its items; got 2, and 1 with item 7 of data\. Take"
    with pytest.raises(ValueError, match=fact) as caught:
        data.sample(7)
    assert not isinstance(caught.value, UnreadableSampleError)  # it is not to be left out


@pytest.mark.parametrize("attribute", ["target_transform", "transforms"])
@pytest.mark.parametrize("part", [False, True])
def test_stored_labels_that_a_transform_changes_are_not_used(attribute: str, part: bool) -> None:
    """As those of torchvision, which are the ones before the transform."""
    labels = [0, 2, 1, 2, 0, 2, 1, 2, 0]
    items: Any = Items(labels, targets=[0, 3, 1, 2, 0, 2, 1, 3, 0], **{attribute: lambda k: k})
    if part:
        items = SimpleNamespace(dataset=items, indices=range(9))
        items = type("Part", (SimpleNamespace,), {
            "__len__": lambda self: 9, "__getitem__": lambda self, row: self.dataset[row],
        })(**vars(items))  # fmt: skip
    assert as_dataset(items).labels.tolist() == labels


def test_transforms_of_the_samples_alone_leave_the_labels() -> None:
    labels = [k % 3 for k in range(50)]
    both = SimpleNamespace(transform=abs, target_transform=None)  # as torchvision's own
    items = Items(labels, targets=labels, transforms=both, target_transform=None)
    assert as_dataset(items).labels.tolist() == labels
    assert items.read == 3


def test_a_table_is_refused_with_the_way_to_pass_it() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pandas.DataFrame({"a": [0.5, 1.5], "label": [0, 1]})
    with pytest.raises(TypeError, match=r"got a table, of type DataFrame\. Pass the columns of"):
        as_dataset(table)
    data = as_dataset((table[["a"]].to_numpy(dtype=float), table["label"]))
    assert data.sample(1).tolist() == [1.5]


def test_an_item_that_cannot_be_read_is_named() -> None:
    items = Items([0, "broken", 1], targets=[0, 0, 1])
    data = as_dataset(items)  # the labels are known without it
    with pytest.raises(UnreadableSampleError, match=r"item 1 of data cannot be read: broken\."):
        data.sample(1)
    with pytest.raises(UnreadableSampleError, match="item 1 of data cannot be read"):
        as_dataset(Items([0, "broken", 1]))


def test_data_sets_of_torch_and_parts_of_them() -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.data import Subset, TensorDataset

    whole = TensorDataset(torch.from_numpy(FEATURES), torch.tensor(LABELS))
    data = as_dataset(whole)
    assert data.labels.tolist() == LABELS
    assert isinstance(data.sample(1), np.ndarray)
    assert np.array_equal(data.sample(1), FEATURES[1])
    labels = [k % 3 for k in range(50)]
    items = Items(labels, targets=torch.tensor(labels), classes=[("x", "ex"), "y", "z"])
    part = as_dataset(Subset(Subset(items, range(10, 40)), [5, 0, 7, 1, 2]))
    assert part.labels.tolist() == [15 % 3, 10 % 3, 17 % 3, 11 % 3, 12 % 3]
    assert part.sample(0).tolist() == [15.0, 15.0]
    assert part.class_names == ("x, ex", "y", "z")
    assert items.read == 3 + 1


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        ((FEATURES, [0, 1]), "samples must have one sample a label (2); got shape (4, 3)."),
        ((["a"], [0, 1]), "samples must be as many as labels (2); got 1."),
        ((FEATURES.astype(int), LABELS), "samples must be images (uint8, shape (n, H, W) or"),
        (
            (FEATURES, [0, 1, 2, -1]),
            "labels must be integers from 0 on, or names; got -1 at row 3.",
        ),
        (
            (FEATURES, [0, 1, 2, 0.5]),
            "labels must be integers from 0 on, or names; got 0.5 at row 3",
        ),
        ((FEATURES, [0, 1, 2, None]), "labels must be there for every sample; got None at row 3."),
        (([], []), "data must have at least one sample; got none."),
        (([],), "data must have at least one sample; got none."),
        ((["a", "b"],), "a data set with items (sample, label); got an item of type str."),
        (([{"image": 1, "label": 2}],), "items (sample, label); got an item of type dict."),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: Any, fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fact)):
        as_dataset(*arguments)


@pytest.mark.parametrize("thing", [3, "text", None, iter([]), {"test": [(1, 2)]}])
def test_other_objects_are_refused(thing: Any) -> None:
    fact = f"data must be samples with labels, or a data set; got {type(thing).__name__}."
    with pytest.raises(TypeError, match=re.escape(fact)):
        as_dataset(thing)


def test_a_function_can_make_the_data(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import numpy\n"
        "def data():\n    return numpy.eye(3), ['a', 'b', 'a']\n"
        "def nothing():\n    return 3\n"
    )
    data = open_dataset(f"python:{path}:data")
    assert data.sample(1).tolist() == [0.0, 1.0, 0.0]
    assert data.class_names == ("a", "b")
    assert data.name == f"{path}:data"
    with pytest.raises(TypeError, match="data must be samples with labels, or a data set; got int"):
        open_dataset(f"python:{path}:nothing")
    with pytest.raises(ValueError, match="without options that python: does not have"):
        open_dataset(f"python:{path}:data?split=test")


def test_an_unknown_scheme_lists_them_all() -> None:
    fact = (
        "data must be one of imagefolder:DIR, idx:DIR, npz:FILE, parquet:FILE-or-DIR, tsv:FILE, "
        "glue:TASK?dir=DIR, hf:NAME-or-DIR, python:module:factory; got 'folder:x'."
    )
    with pytest.raises(ValueError, match=re.escape(fact)):
        open_dataset("folder:x")
    with pytest.raises(
        TypeError, match=r"data must be a text .*; got ndarray\. Objects are taken by"
    ):
        open_dataset(FEATURES)  # type: ignore[arg-type]
