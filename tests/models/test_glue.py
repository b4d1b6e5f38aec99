"""The tasks of GLUE, read from every form in which people have them."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from models.glue_files import CLASSES, FORMS, sst2, texts, write

from infotheory.models import LabelledData, align, as_dataset, open_dataset
from infotheory.models.glue import GLUE_TASKS, read_task

# ------------------------------------------------------------------------------------------- tasks


def test_the_tasks_are_those_of_glue() -> None:
    assert {name: task.class_names for name, task in GLUE_TASKS.items()} == CLASSES
    metrics = {name: (task.metrics, task.headline) for name, task in GLUE_TASKS.items()}
    both = (("accuracy", "f1"), "f1")
    others = dict.fromkeys(("sst2", "mnli", "qnli", "rte", "wnli"), (("accuracy",), "accuracy"))
    assert metrics == {
        **others,
        "cola": (("matthews",), "matthews"),
        "mrpc": both,
        "qqp": both,
    }
    assert GLUE_TASKS["mnli"].sentences == ("premise", "hypothesis")
    assert {task.name for task in GLUE_TASKS.values() if len(task.sentences) == 1} == {
        "cola",
        "sst2",
    }
    assert all(len(task.rows) == len(task.splits) for task in GLUE_TASKS.values())
    with pytest.raises(TypeError):
        GLUE_TASKS["other"] = GLUE_TASKS["rte"]  # type: ignore[index]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("whole", [False, True])
def test_tables_as_glue_gives_them(tmp_path: Path, name: str, whole: bool) -> None:
    folder, header, rows, samples, labels = FORMS[name]
    path = write(tmp_path / folder / "train.tsv", header, *rows)
    data = read_task(name, tmp_path if whole else tmp_path / folder)
    assert isinstance(data, LabelledData)
    assert texts(data) == samples
    assert data.labels.tolist() == labels
    assert data.class_names == CLASSES[name]
    assert data.name == f"{name} (train)"
    assert data.where(1) == f"row 1 of {path}"
    rows_of_glue = f"{GLUE_TASKS[name].rows[0]:,}"
    assert data.notes == (f"2 rows, where GLUE has {rows_of_glue}",)


def test_the_task_may_be_written_as_people_do(tmp_path: Path) -> None:
    sst2(tmp_path / "SST-2" / "dev.tsv", 4)
    for name in ("sst2", "SST-2", "sst_2", GLUE_TASKS["sst2"]):
        assert len(read_task(name, tmp_path, "validation")) == 4  # another name of dev


@pytest.mark.parametrize("kind", ["matched", "mismatched"])
def test_mnli_has_two_dev_splits(tmp_path: Path, kind: str) -> None:
    _, header, rows, samples, labels = FORMS["mnli"]
    write(tmp_path / "dev_matched.tsv", header, rows[0])
    write(tmp_path / "dev_mismatched.tsv", header, rows[1])
    which = ["matched", "mismatched"].index(kind)
    for split in (f"dev_{kind}", f"validation_{kind}"):
        data = read_task("mnli", tmp_path, split)
        assert (texts(data), data.labels.tolist()) == ([samples[which]], [labels[which]])
    with pytest.raises(ValueError, match="one of 'train', 'dev_matched', 'dev_mismatched' for"):
        read_task("mnli", tmp_path, "dev")


def test_as_many_rows_as_glue_need_no_note(tmp_path: Path) -> None:
    sst2(tmp_path / "dev.tsv", 872)
    assert read_task("sst2", tmp_path, "dev").notes == ()


# -------------------------------------------------------------------------------------------- cola


def test_both_pieces_of_the_corpus_are_dev_of_cola(tmp_path: Path) -> None:
    first = write(tmp_path / "in_domain_dev.tsv", "a\t1\t\tone", "a\t0\t*\ttwo")
    with pytest.raises(ValueError, match=r"dev\.tsv, in_domain_dev\.tsv with out_of_domain_dev\."):
        read_task("cola", tmp_path, "dev")
    second = write(tmp_path / "out_of_domain_dev.tsv", "b\t1\t\tthree")
    write(tmp_path / "in_domain_train.tsv", "a\t0\t*\tfour")
    data = read_task("cola", tmp_path, "dev")
    assert texts(data) == ["one", "two", "three"]
    assert data.labels.tolist() == [1, 0, 1]
    assert [data.where(row) for row in (1, 2)] == [f"row 1 of {first}", f"row 0 of {second}"]
    assert texts(read_task("cola", tmp_path)) == ["four"]
    write(tmp_path / "dev.tsv", "a\t1\t\tof GLUE")
    assert texts(read_task("cola", tmp_path, "dev")) == ["of GLUE"]  # GLUE's own file comes first


# -------------------------------------------------------------------------------------------- mrpc


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """MRPC as its corpus comes: a mark at the start, and the line ends of Windows."""
    header = FORMS["mrpc"][1]
    rows = ["1\t10\t11\ta\tb", "0\t12\t13\tc\td", "1\t14\t15\te\tf", "1\t16\t17\tg\th"]
    write(tmp_path / "msr_paraphrase_train.txt", header, *rows, start="\ufeff", end="\r\n")
    test = "msr_paraphrase_test.txt"
    write(tmp_path / test, header, "0\t1\t2\ti\tj", start="\ufeff", end="\r\n")
    return tmp_path


@pytest.mark.parametrize("header", ["", "#1 ID\t#2 ID"])
@pytest.mark.parametrize("name", ["dev_ids.tsv", "mrpc_dev_ids.tsv"])
def test_a_list_says_which_rows_are_dev_of_mrpc(corpus: Path, header: str, name: str) -> None:
    write(corpus / name, header, "16\t17", "12\t13")
    dev, train = read_task("mrpc", corpus, "dev"), read_task("mrpc", corpus)
    assert texts(dev) == [("c", "d"), ("g", "h")]
    assert dev.labels.tolist() == [0, 1]
    assert dev.where(1) == f"row 3 of {corpus / 'msr_paraphrase_train.txt'}"
    assert texts(train) == [("a", "b"), ("e", "f")]
    assert dev.fingerprint() != train.fingerprint()


def test_without_the_list_nothing_is_called_dev_of_mrpc(corpus: Path) -> None:
    train = read_task("mrpc", corpus)
    assert len(train) == 4
    assert train.notes == (
        (
            f"all of {corpus / 'msr_paraphrase_train.txt'}, with the rows of GLUE dev: there is no "
            "dev_ids.tsv"
        ),
        "4 rows, where GLUE has 3,668",
    )
    with pytest.raises(ValueError, match=r"a folder with dev_ids\.tsv, which lists .*; got none"):
        read_task("mrpc", corpus, "dev")
    test = read_task("mrpc", corpus, "test")
    assert (texts(test), test.labels.tolist()) == ([("i", "j")], [0])


@pytest.mark.parametrize(
    ("lines", "fact"),
    [
        (["12\t13", "14"], r"of two numbers a row; got 1 at row 1 of .*dev_ids\.tsv"),
        (["12\t14"], r"of rows of .*train\.txt; got \('12', '14'\) of .*dev_ids\.tsv"),
        (["#1 ID\t#2 ID"], r"of rows of .*train\.txt; got nothing in .*dev_ids\.tsv"),
    ],
)
def test_a_list_of_other_rows_is_refused(corpus: Path, lines: list[str], fact: str) -> None:
    write(corpus / "dev_ids.tsv", *lines)
    for split in ("train", "dev"):
        with pytest.raises(ValueError, match=f"the list of GLUE dev must be {fact}"):
            read_task("mrpc", corpus, split)


# -------------------------------------------------------------------------- labels in the test file


def test_a_test_file_with_labels_and_the_rows_of_dev_is_dev(tmp_path: Path) -> None:
    sst2(tmp_path / "train.tsv", 5, "train")
    dev = sst2(tmp_path / "dev.tsv", 3, "piece of train")
    sst2(tmp_path / "test.tsv", 872, "dev")
    data = read_task("sst2", tmp_path, "dev")
    assert texts(data) == [f"dev {row}" for row in range(872)]
    assert data.notes == (f"read from test.tsv of {tmp_path}",)
    train = read_task("sst2", tmp_path)
    assert texts(train) == [f"train {k}" for k in range(5)] + [
        f"piece of train {k}" for k in range(3)
    ]
    assert train.where(6) == f"row 1 of {dev}"
    assert train.notes[0] == f"read from train.tsv and dev.tsv of {tmp_path}"


def test_a_test_file_with_labels_beside_dev_of_glue_changes_nothing(tmp_path: Path) -> None:
    sst2(tmp_path / "train.tsv", 5, "train")
    sst2(tmp_path / "dev.tsv", 872, "dev")
    sst2(tmp_path / "test.tsv", 872, "test")
    assert read_task("sst2", tmp_path, "dev").sample(0) == "dev 0"
    assert len(read_task("sst2", tmp_path)) == 5


@pytest.mark.parametrize(("dev", "test"), [(3, 871), (873, 873), (0, 872)])
def test_any_other_split_with_labels_in_the_test_file_is_refused(
    tmp_path: Path, dev: int, test: int
) -> None:
    sst2(tmp_path / "train.tsv", 5)
    if dev:
        sst2(tmp_path / "dev.tsv", dev)
    path = sst2(tmp_path / "test.tsv", test)
    fact = (
        "data must be split as in GLUE, where dev of sst2 has 872 rows and test no labels; got "
        f"labels in {path}, with {dev} rows in dev.tsv and {test} rows in test.tsv. Which rows "
    )
    for split in ("train", "dev") if dev else ("train",):
        with pytest.raises(ValueError, match=re.escape(fact)):
            read_task("sst2", tmp_path, split)


def test_a_test_file_of_glue_changes_nothing(tmp_path: Path) -> None:
    sst2(tmp_path / "dev.tsv", 3)
    write(tmp_path / "test.tsv", "index\tsentence", *(f"{row}\tx" for row in range(872)))
    assert len(read_task("sst2", tmp_path, "dev")) == 3
    write(tmp_path / "CoLA" / "dev.tsv", "a\t1\t\tb")
    write(tmp_path / "CoLA" / "test.tsv", "index\tsentence", "0\tx")
    assert len(read_task("cola", tmp_path, "dev")) == 1


def test_a_labelled_test_file_of_cola_is_seen(tmp_path: Path) -> None:
    write(tmp_path / "dev.tsv", "a\t1\t\tb")
    write(tmp_path / "test.tsv", "a\t0\t*\tb")
    with pytest.raises(ValueError, match="data must be split as in GLUE, where dev of cola has"):
        read_task("cola", tmp_path, "dev")


def test_more_rows_than_dev_has_are_not_dev(tmp_path: Path) -> None:
    sst2(tmp_path / "dev.tsv", 873)
    fact = f"dev of sst2 must be GLUE's, of 872 rows; got 873 in {tmp_path}. Some copies name"
    with pytest.raises(ValueError, match=re.escape(fact)):
        read_task("sst2", tmp_path, "dev")


# ---------------------------------------------------------------------------- parquet and datasets


def parquet(path: Path, columns: dict[str, list[Any]]) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    import pyarrow as pa

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def test_parquet_as_the_hub_has_it(tmp_path: Path) -> None:
    for split in ("train", "validation_matched", "validation_mismatched", "test_matched"):
        columns: dict[str, list[Any]] = {
            "premise": [f"{split} a", "b"],
            "hypothesis": ["c", "d"],
            "label": [-1, -1] if split.startswith("test") else [2, 0],
            "idx": [0, 1],
        }
        parquet(tmp_path / "mnli" / f"{split}-00000-of-00001.parquet", columns)
    data = read_task("mnli", tmp_path, "dev_mismatched")
    assert texts(data) == [("validation_mismatched a", "c"), ("b", "d")]
    assert data.labels.tolist() == [2, 0]
    assert data.class_names == CLASSES["mnli"]
    assert data.where(1).startswith("row 1 of ")
    with pytest.raises(ValueError, match=r"got 'test_matched'\. Labels of GLUE test are not publ"):
        read_task("mnli", tmp_path, "test_matched")


def test_parts_of_parquet_are_put_together(tmp_path: Path) -> None:
    for split, part in itertools.product(("train", "validation"), range(2)):
        columns: dict[str, list[Any]] = {"sentence": [f"{split} {part}"], "label": [part]}
        parquet(tmp_path / f"{split}-0000{part}-of-00002.parquet", columns)
    assert texts(read_task("sst2", tmp_path)) == ["train 0", "train 1"]
    assert texts(read_task("sst2", tmp_path, "dev")) == ["validation 0", "validation 1"]
    parquet(tmp_path / "cola" / "dev.parquet", {"sentence": ["dev"], "label": [1]})
    assert texts(read_task("cola", tmp_path, "dev")) == ["dev"]
    sst2(tmp_path / "train.tsv", 3)
    assert len(read_task("sst2", tmp_path)) == 3  # tables come first


def test_parquet_without_labels_is_refused(tmp_path: Path) -> None:
    parquet(tmp_path / "dev.parquet", {"sentence": ["a", "b"], "label": [1, -1]})
    with pytest.raises(ValueError, match=r"dev\.parquet must be integers .*; got -1 at row 1\."):
        read_task("sst2", tmp_path, "dev")


@pytest.fixture
def hub() -> Any:
    return pytest.importorskip("datasets", reason="datasets is not installed")


def table(hub: Any, names: tuple[str, ...], labels: list[int], text: str = "t") -> Any:
    features = {
        "sentence": hub.Value("string"),
        "label": hub.ClassLabel(names=list(names)),
        "idx": hub.Value("int32"),
    }
    rows = {
        "sentence": [f"{text} {k}" for k in range(len(labels))],
        "label": labels,
        "idx": list(range(len(labels))),
    }
    return hub.Dataset.from_dict(rows, hub.Features(features))


@pytest.mark.parametrize("order", [1, -1])
def test_names_that_are_stored_decide_the_classes(tmp_path: Path, hub: Any, order: int) -> None:
    stored = table(hub, CLASSES["sst2"][::order], [0, 1, 1])
    stored.to_parquet(tmp_path / "train.parquet")
    labels = read_task("sst2", tmp_path).labels.tolist()
    assert labels == ([0, 1, 1] if order == 1 else [1, 0, 0])


def test_what_save_to_disk_has_written(tmp_path: Path, hub: Any) -> None:
    dev = table(hub, CLASSES["sst2"], [0, 1], "dev")
    parts = {"train": table(hub, CLASSES["sst2"], [1], "train"), "validation": dev}
    hub.DatasetDict(parts).save_to_disk(tmp_path / "sst2")
    data = read_task("sst2", tmp_path, "dev")
    assert texts(data) == ["dev 0", "dev 1"]
    assert data.class_names == CLASSES["sst2"]
    assert texts(read_task("sst2", tmp_path / "sst2")) == ["train 0"]
    hub.DatasetDict({"train": dev}).save_to_disk(tmp_path / "other")
    with pytest.raises(ValueError, match=r"save_to_disk with this split; got dataset_dict\.json, "):
        read_task("sst2", tmp_path / "other", "dev")


@pytest.mark.parametrize(("saved", "asked"), [("validation", "dev"), ("train", "train")])
def test_one_saved_split_is_taken_for_what_it_says(
    tmp_path: Path, hub: Any, saved: str, asked: str
) -> None:
    one = table(hub, CLASSES["sst2"], [0, 1])
    one.info.splits, one._split = None, hub.NamedSplit(saved)
    one.save_to_disk(tmp_path / "one")
    assert len(read_task("sst2", tmp_path / "one", asked)) == 2
    with pytest.raises(ValueError, match=r"save_to_disk with this split; got .*state\.json in "):
        read_task("sst2", tmp_path / "one", "train" if asked == "dev" else "dev")


@pytest.mark.parametrize("content", ["{", "[]"])
@pytest.mark.parametrize("name", ["state.json", "dataset_dict.json"])
def test_damaged_notes_of_save_to_disk_are_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=f"undamaged, as save_to_disk has left it; got .*{name}"):
        read_task("sst2", tmp_path, "dev")


@pytest.mark.parametrize(
    ("name", "config"), [("nyu-mll/glue", "sst2"), ("glue", "sst2"), ("stanfordnlp/sst2", None)]
)
def test_the_hub_by_name(
    monkeypatch: pytest.MonkeyPatch, hub: Any, name: str, config: str | None
) -> None:
    asked = []

    def load_dataset(*arguments: Any) -> Any:
        asked.append(arguments)
        return hub.DatasetDict({"validation": table(hub, CLASSES["sst2"], [0, 1])})

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    data = read_task("sst2", name, "dev", download=True)
    assert data.labels.tolist() == [0, 1]
    assert asked == [(name, config)]


def test_nothing_is_fetched_unasked(hub: Any) -> None:
    with pytest.raises(ValueError, match="on this machine, since nothing is downloaded unasked"):
        read_task("sst2", "nyu-mll/glue", "dev")
    with pytest.raises(ValueError, match="on this machine, since nothing is downloaded unasked"):
        open_dataset("glue:sst2")
    fact = "data must be a folder with sst2; got no such folder: 'stanfordnlp/sst2'. A name of"
    with pytest.raises(ValueError, match=re.escape(fact)):
        read_task("sst2", "stanfordnlp/sst2", "dev")


# ------------------------------------------------------------------------------------------- specs


def test_a_text_names_a_task(tmp_path: Path) -> None:
    sst2(tmp_path / "SST-2" / "dev.tsv", 4)
    sst2(tmp_path / "SST-2" / "train.tsv", 6)
    data = open_dataset(f"glue:sst2?dir={tmp_path}")
    assert data.name == "sst2 (dev)"
    assert len(open_dataset(f"glue:SST-2?dir={tmp_path}&split=train").labels) == 6
    assert as_dataset(data) is data
    with pytest.raises(ValueError, match=r"got 'folder' in .*Options of glue: are dir, split\."):
        open_dataset("glue:sst2?folder=x")


def test_classes_are_found_by_their_names(tmp_path: Path) -> None:
    """A model whose classes are in another order, as `infotheory ncmi` meets it."""
    sst2(tmp_path / "dev.tsv", 4)
    data = open_dataset(f"glue:sst2?dir={tmp_path}")
    model: Any = type(
        "M", (), {"name": "m", "n_outputs": 2, "class_names": ("POSITIVE", "NEGATIVE")}
    )
    assert align(data, model).labels.tolist() == [1, 0, 1, 0]
