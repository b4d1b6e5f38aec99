"""One data set in every format: the same batches, bit for bit, and the same report."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from files.support import FORMATS, LABELS, LOGITS, WRITABLE, K, N, joined, stored, write_npz
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from infotheory import NCMIAccumulator, measure_classifier
from infotheory.files import UnusableFileError, find_models

WEIGHTS = np.linspace(0.5, 2.0, N)
GROUPS = np.arange(N) % 3


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    return first.dtype == second.dtype and first.tobytes() == second.tobytes()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("batch_bytes", [1, 300, 1 << 20])
def test_every_format_gives_the_same_batches(tmp_path: Path, form: str, batch_bytes: int) -> None:
    model = stored(tmp_path, form, weights=WEIGHTS, groups=GROUPS)
    assert (model.n_rows, model.n_outputs, model.dtype) == (N, K, np.float64)
    step = max(1, batch_bytes // (8 * K))
    batches = list(model.batches(batch_bytes))
    for number, batch in enumerate(batches):
        rows = slice(number * step, (number + 1) * step)
        assert same_bits(batch.outputs, LOGITS[rows])
        assert same_bits(batch.labels, LABELS[rows])
        assert batch.weights is not None
        assert same_bits(batch.weights, WEIGHTS[rows])
        assert batch.groups is not None
        assert same_bits(batch.groups, GROUPS[rows])
    assert len(batches) == -(-N // step)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_report(tmp_path: Path, form: str) -> None:
    accumulator = NCMIAccumulator()
    for batch in stored(tmp_path, form).batches(300):
        assert batch.weights is None
        assert batch.groups is None
        accumulator.update(batch.outputs, batch.labels)
    expected = NCMIAccumulator()
    for rows in np.array_split(np.arange(N), range(9, N, 9)):  # 9 rows of 32 bytes in 300
        expected.update(LOGITS[rows], LABELS[rows])
    assert accumulator.report().to_dict() == expected.report().to_dict()
    whole = measure_classifier(LOGITS, LABELS)
    assert accumulator.report().ncmi == pytest.approx(whole.ncmi, rel=1e-12)


@pytest.mark.parametrize("form", ["npz", "npy", "parquet", "safetensors"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u2", "i8"])
def test_types_are_kept(tmp_path: Path, form: str, dtype: str) -> None:
    outputs = (LOGITS * 5).clip(0, 100).astype(dtype)
    batch = joined(stored(tmp_path, form, outputs, labels=LABELS.astype("u1")))
    assert same_bits(batch.outputs, outputs)
    assert same_bits(batch.labels, LABELS.astype("u1"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("start", [0, 9, 27, 30, N])
def test_a_start_moves_no_boundary(tmp_path: Path, form: str, start: int) -> None:
    model = stored(tmp_path, form)
    ends = [end for end in (9, 18, 27, 36, 45, N) if end > start]
    found = list(model.batches(300, start))
    assert [len(batch.labels) for batch in found] == np.diff([start, *ends]).tolist()
    if found:
        assert same_bits(np.concatenate([batch.outputs for batch in found]), LOGITS[start:])
        assert same_bits(np.concatenate([batch.labels for batch in found]), LABELS[start:])


@pytest.mark.parametrize("start", [-1, N + 1])
def test_a_start_outside_is_refused(tmp_path: Path, start: int) -> None:
    model = stored(tmp_path, "npz")
    with pytest.raises(ValueError, match=rf"start must be a row in \[0, 50\]; got {start}\."):
        model.batches(300, start)


@pytest.mark.parametrize("form", FORMATS)
def test_batches_may_be_read_again_and_changed(tmp_path: Path, form: str) -> None:
    model = stored(tmp_path, form)
    first = next(model.batches())
    first.outputs[:] = 0
    first.labels[:] = 0
    assert same_bits(joined(model).outputs, LOGITS)


@given(
    outputs=hnp.arrays(
        st.sampled_from([np.float64, np.float32]),
        st.tuples(st.integers(1, 30), st.integers(1, 5)),
        elements={"allow_nan": False, "allow_subnormal": True},
    ),
    batch_bytes=st.integers(1, 500),
    start=st.integers(0, 29),
    form=st.sampled_from(WRITABLE),
)
def test_any_numbers_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    outputs: np.ndarray,
    batch_bytes: int,
    start: int,
    form: str,
) -> None:
    folder = tmp_path_factory.mktemp("round_trip")
    start = min(start, len(outputs) - 1)
    labels = np.arange(len(outputs)) % 5
    model = stored(folder, form, outputs, labels=labels)
    found = joined(model, batch_bytes, start)
    expected = outputs[start:].astype(model.dtype)  # text is read in double precision
    assert same_bits(found.outputs, expected)
    assert same_bits(found.labels, labels[start:])


# ---------------------------------------------------------------------------------- larger than...


@pytest.mark.parametrize("form", FORMATS)
def test_memory_is_that_of_a_batch_and_not_of_the_file(tmp_path: Path, form: str) -> None:
    outputs = np.random.default_rng(1).normal(size=(40_000, 16))  # 5 MB
    labels = np.zeros(len(outputs), np.int64)
    model = stored(tmp_path, form, outputs, labels=labels)
    batch_bytes = 1 << 16
    for _ in model.batches(batch_bytes):  # what is imported on use is not counted
        break
    tracemalloc.start()
    try:
        for batch in model.batches(batch_bytes):
            assert batch.outputs.nbytes <= batch_bytes
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Text is split into strings, some ten times as large, of 16,384 entries at a time.
    assert peak < (4 if "sv" in form else 1) * 2**20 < outputs.nbytes


def test_compressed_arrays_are_streamed(tmp_path: Path) -> None:
    outputs = np.zeros((200_000, 16))
    path = write_npz(
        tmp_path / "z.npz", {"z": outputs, "labels": np.zeros(200_000, int)}, compressed=True
    )
    (model,), _ = find_models(path)
    tracemalloc.start()
    try:
        rows = sum(len(batch.labels) for batch in model.batches(1 << 16))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == 200_000
    assert peak < 2**20 < outputs.nbytes / 20


# ------------------------------------------------------------------------------------------ damage


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_cut_anywhere_is_refused_or_a_beginning(tmp_path: Path, form: str) -> None:
    model = stored(tmp_path, form, LOGITS[:9], labels=LABELS[:9])
    path = model.file
    labels = str(tmp_path / "labels.npy") if form == "npy" else None
    whole = path.read_bytes()
    read = 0
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            (cut,), _ = find_models(path, labels)
            batch = joined(cut)
        except UnusableFileError:
            continue
        read += 1
        # Only text can end early without a trace: then at the end of a line or within its entry.
        assert form in {"csv", "tsv"}
        assert same_bits(batch.outputs, LOGITS[: len(batch.outputs)])
    # Behind each row's last digit, its carriage return and its line feed; the last is the whole.
    assert read == (3 * 9 - 1 if form in {"csv", "tsv"} else 0)


@pytest.mark.parametrize("form", FORMATS)
def test_a_changed_byte_never_ends_in_another_error(tmp_path: Path, form: str) -> None:
    model = stored(tmp_path, form, LOGITS[:8], labels=LABELS[:8])
    path = model.file
    labels = str(tmp_path / "labels.npy") if form == "npy" else None
    whole = path.read_bytes()
    rng = np.random.default_rng(5)
    for place in rng.permutation(len(whole))[:300]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(0, 8)
        path.write_bytes(damaged)
        try:
            for found in find_models(path, labels)[0]:
                for batch in found.batches():
                    assert len(batch.outputs) == len(batch.labels)
        except UnusableFileError:
            pass


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_shrinks_after_it_was_found_is_refused(tmp_path: Path, form: str) -> None:
    model = stored(tmp_path, form)
    content = model.file.read_bytes()
    model.file.write_bytes(content[: int(0.7 * len(content))])
    with pytest.raises(UnusableFileError, match="truncated"):
        list(model.batches())
    model.file.unlink()
    with pytest.raises(UnusableFileError, match="No such file"):
        list(model.batches())
