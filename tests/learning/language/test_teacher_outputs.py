"""What a teacher has said: computed once, kept in whole files, and bound to what it came from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: no teachers")
pytest.importorskip("safetensors", reason="safetensors is not installed: nothing to keep in")

import torch
from learning.language import killed_teacher
from learning.language.killed_teacher import BATCH_SIZE, N_ROWS, SHARD_ROWS, Teacher, compute, rows

from infotheory.exceptions import StateError
from infotheory.learning.language.teacher_outputs import TeacherOutputs
from infotheory.learning.language.token_rows import padded, token_digest

LENGTH_DIFFERS = [{"input_ids": [1]}, {"input_ids": [1, 2]}]


def by_hand(teacher: Teacher, data: list[dict[str, Any]]) -> np.ndarray:
    """The mean of the vectors of the tokens of each row, one after the other."""
    words = teacher.words.weight.detach().double().numpy()
    return np.array([np.mean([words[token] for token in row["input_ids"]], 0) for row in data])


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_logits_are_those_of_the_teacher_in_order(
    tmp_path: Path, kept: bool, batch_size: int
) -> None:
    teacher = Teacher().train()
    found = compute(tmp_path if kept else None, teacher, batch_size=batch_size)
    # A mean of up to five numbers of some units, in float32.
    np.testing.assert_allclose(found.logits.numpy(), by_hand(teacher, rows()), atol=2e-6)
    assert found.logits.dtype == torch.float32
    assert (len(found), found.n_classes, found.features) == (N_ROWS, 3, None)
    assert not found.logits.requires_grad
    assert teacher.training  # as it was before
    assert teacher.drop.training
    assert teacher.rows == N_ROWS


def test_a_finished_folder_is_read_and_the_teacher_not_run(tmp_path: Path) -> None:
    first = compute(tmp_path, Teacher())
    teacher = Teacher()
    again = compute(tmp_path, teacher, batch_size=7)
    assert teacher.calls == 0
    assert torch.equal(first.logits, again.logits)
    opened = TeacherOutputs.open(tmp_path)
    assert torch.equal(first.logits, opened.logits)
    assert opened.identity == first.identity == compute(None, Teacher()).identity
    opened.check(rows())


@pytest.mark.parametrize("batches", [1, 5, 8])
def test_a_killed_pass_goes_on_behind_its_last_whole_file(tmp_path: Path, batches: int) -> None:
    script = Path(killed_teacher.__file__)
    done = subprocess.run([sys.executable, str(script), str(tmp_path), str(batches)], check=False)
    assert done.returncode == -9
    whole = (batches - 1) * BATCH_SIZE // SHARD_ROWS
    assert len(list(tmp_path.glob("rows-*.safetensors"))) == whole
    with pytest.raises(ValueError, match=f"complete; got .* with {whole * SHARD_ROWS} of 40 rows"):
        TeacherOutputs.open(tmp_path)
    teacher = Teacher()
    found = compute(tmp_path, teacher)
    assert teacher.rows == N_ROWS - whole * SHARD_ROWS
    assert torch.equal(found.logits, compute(None, Teacher(), batch_size=4).logits)


def test_an_interrupted_write_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(tensors: Any, path: Path, metadata: Any) -> None:
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("infotheory.learning.language.teacher_shards.save_file", torn)
        with pytest.raises(KeyboardInterrupt):
            compute(tmp_path, Teacher())
    assert [path.name for path in tmp_path.iterdir()] == ["teacher_outputs.json"]
    assert len(compute(tmp_path, Teacher())) == N_ROWS


class Renamed(Teacher):
    """Another class with the same weights."""


def swapped() -> list[dict[str, Any]]:
    data = rows()
    return [data[1], data[0], *data[2:]]


@pytest.mark.parametrize(
    ("teacher", "options", "differs"),
    [
        (lambda: Teacher(seed=1), {}, "the weights of the teacher"),
        (Renamed, {}, "the class of the teacher"),
        (Teacher, {"data": swapped()}, "the tokens of the data set, or their order"),
        (Teacher, {"data": rows(30)}, r"the tokens.*; rows \(40, and now 30\)"),
        (Teacher, {"shard_rows": 16}, r"shard_rows \(8, and now 16\)"),
    ],
)
def test_a_folder_of_something_else_is_refused(
    tmp_path: Path, teacher: Any, options: dict[str, Any], differs: str
) -> None:
    compute(tmp_path, Teacher())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    sentence = "folder must be made from this teacher and this data set; got .* were used: "
    with pytest.raises(ValueError, match=f"{sentence}{differs}[.] Choose another folder"):
        compute(tmp_path, teacher(), **options)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_labels_and_other_columns_do_not_bind() -> None:
    plain, more = rows(), [{**row, "labels": 1, "idx": k} for k, row in enumerate(rows())]
    assert token_digest(plain) == token_digest(more)
    assert token_digest(plain) == token_digest(
        [{"input_ids": torch.tensor(row["input_ids"])} for row in plain]
    )
    masked = [{**row, "attention_mask": [1] * len(row["input_ids"])} for row in plain]
    assert token_digest(plain) != token_digest(masked)
    # Where one row ends is part of it.
    assert token_digest([{"input_ids": [1, 2]}, {"input_ids": [3]}]) != token_digest(
        [{"input_ids": [1]}, {"input_ids": [2, 3]}]
    )


def damaged(path: Path, kind: str) -> None:
    content = bytearray(path.read_bytes())
    if kind == "torn":
        content = content[: len(content) // 2]
    else:
        content[-3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("kind", "fault"), [("torn", "cannot be read"), ("flipped", "content has changed")]
)
def test_a_damaged_file_is_refused_and_computed_anew(tmp_path: Path, kind: str, fault: str) -> None:
    whole = compute(tmp_path, Teacher())
    path = tmp_path / "rows-0000000008.safetensors"
    damaged(path, kind)
    with pytest.raises(StateError, match=f"{path.name}': .*{fault}.*Remove that file"):
        compute(tmp_path, Teacher())
    path.unlink()
    teacher = Teacher()
    assert torch.equal(compute(tmp_path, teacher).logits, whole.logits)
    assert teacher.rows == SHARD_ROWS


def test_files_of_another_folder_are_refused(tmp_path: Path) -> None:
    compute(tmp_path / "one", Teacher())
    compute(tmp_path / "two", Teacher(seed=1))
    name = "rows-0000000000.safetensors"
    (tmp_path / "one" / name).write_bytes((tmp_path / "two" / name).read_bytes())
    with pytest.raises(StateError, match="made from another teacher"):
        TeacherOutputs.open(tmp_path / "one")


def test_files_of_other_rows_are_refused(tmp_path: Path) -> None:
    compute(tmp_path, Teacher(), data=rows(42))
    last = tmp_path / "rows-0000000040.safetensors"
    last.write_bytes((tmp_path / "rows-0000000008.safetensors").read_bytes())
    with pytest.raises(StateError, match="it has other rows"):
        TeacherOutputs.open(tmp_path)
    other = tmp_path / "rows-0000000016.safetensors"
    last.unlink()
    other.write_bytes((tmp_path / "rows-0000000008.safetensors").read_bytes())
    with pytest.raises(StateError, match="it has other rows"):
        compute(tmp_path, Teacher(), data=rows(42))


@pytest.mark.parametrize("content", ["[]", "{}", "no json", '{"format": "another"}'])
def test_a_foreign_description_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "teacher_outputs.json").write_text(content)
    with pytest.raises(StateError, match="a description that this version wrote"):
        compute(tmp_path, Teacher())


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"folder must be one with the outputs of a teacher"):
        TeacherOutputs.open(tmp_path)


def test_given_logits_are_taken_as_they_are() -> None:
    logits = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    given = TeacherOutputs(logits, torch.ones(5, 7).half())
    assert not given.logits.requires_grad
    assert given.logits.dtype == given.features.dtype == torch.float32  # type: ignore[union-attr]
    assert (given.n_features, repr(given)) == (7, "TeacherOutputs(5 rows, 2 classes, 7 features)")
    given.check([{"input_ids": [1]}] * 5)
    with pytest.raises(ValueError, match=r"have the 5 rows of the teacher's outputs; got 4 rows"):
        given.check([{"input_ids": [1]}] * 4)
    assert given.identity != TeacherOutputs(logits * 2).identity


@pytest.mark.parametrize(
    ("logits", "features", "error", "text"),
    [
        (torch.zeros(3), None, ValueError, "logits must have shape"),
        (torch.zeros(3, 2).long(), None, TypeError, "floating point"),
        (torch.tensor([[0.0, 1.0], [0.0, float("nan")]]), None, ValueError, "nan in row 1"),
        (torch.zeros(3, 2), torch.zeros(2, 4), ValueError, r"features must have shape \(n, d\)"),
        (torch.zeros(3, 2), torch.zeros(3), ValueError, r"features must have shape \(n, d\)"),
        (torch.zeros(3, 2), [1.0], TypeError, "features must be a floating-point tensor"),
    ],
)
def test_what_is_no_output_is_refused(logits: Any, features: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        TeacherOutputs(logits, features)


def test_a_class_of_probability_zero_is_kept() -> None:
    logits = torch.tensor([[0.0, -torch.inf]])
    assert torch.equal(TeacherOutputs(logits).logits, logits)


class Broken(Teacher):
    """Says nan of one row."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        found = super().forward(input_ids, attention_mask)
        found.logits[input_ids[:, 0] == 13] = torch.nan
        return found


class Generative(Teacher):
    """Logits of each token."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        found = super().forward(input_ids, attention_mask)
        found.logits = found.logits[:, None]
        return found


@pytest.mark.parametrize(
    ("teacher", "data", "error", "text"),
    [
        (Broken(), rows(), ValueError, "logits are numbers; got nan in row 13"),
        (Generative(), rows(), ValueError, r"classifier of sequences.*Generative.*\(4, 1, 3\)"),
        (Teacher(), [{"input_ids": [3]}, {"input_ids": [1, 50]}], ValueError,
         "one of 50 tokens for token 50 in row 1. Student and teacher must share the tokenizer"),
        (Teacher(), [{"text": "a"}], TypeError, r"rows with 'input_ids'; got \['text'\] in row 0"),
        (Teacher(), [[1, 2]], TypeError, "rows with 'input_ids'; got list in row 0"),
        (Teacher(), [], ValueError, "dataset must have at least one row"),
        (Teacher(), iter(rows()), TypeError, "dataset must be a data set with a length"),
        ("teacher", rows(), TypeError, "must be a torch.nn.Module; got str"),
    ],
)  # fmt: skip
def test_teacher_and_data_that_do_not_go_together(
    teacher: Any, data: Any, error: Any, text: str
) -> None:
    with pytest.raises(error, match=text):
        compute(None, teacher, data=data) if data else TeacherOutputs.compute(teacher, data)


def test_padding_is_behind_the_tokens_and_not_attended() -> None:
    batch = padded([{"input_ids": [5, 6, 7], "token_type_ids": [0, 1, 1]},
                    {"input_ids": [8], "token_type_ids": [1]}], 9)  # fmt: skip
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["token_type_ids"].tolist() == [[0, 1, 1], [1, 0, 0]]
    assert padded(LENGTH_DIFFERS[:1], None)["input_ids"].tolist() == [[1]]
    with pytest.raises(ValueError, match=r"config.pad_token_id; got None for rows of 1 to 2 tok"):
        padded(LENGTH_DIFFERS, None)


def test_a_collator_of_the_user_makes_the_batches() -> None:
    seen = []

    def collator(samples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        seen.append([sorted(sample) for sample in samples])
        batch = padded(samples, 0)
        return {**batch, "labels": torch.zeros(len(samples)), "extra": torch.zeros(1)}

    found = compute(None, Teacher(), collator=collator)
    assert torch.allclose(found.logits, compute(None, Teacher()).logits)
    assert {name for batch in seen for names in batch for name in names} == {"input_ids"}


def test_the_description_says_what_the_folder_is(tmp_path: Path) -> None:
    compute(tmp_path, Teacher())
    told = json.loads((tmp_path / "teacher_outputs.json").read_text())
    assert (told["architecture"], told["rows"], told["feature"]) == ("Teacher", 40, None)
