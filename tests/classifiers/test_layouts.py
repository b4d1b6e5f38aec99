"""The same numbers in other memory layouts, containers and label types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifiers.support import (
    assert_matches,
    away_from_bin_edges,
    class_sizes,
    clustered_logits,
    labels_of_sizes,
    measure,
    quietly,
)
from oracles import classifiers_large as large

import infotheory


def data(k: int, dtype: str = "float32") -> tuple[Any, Any]:
    rng = np.random.default_rng(k)
    y = labels_of_sizes(class_sizes(k, 250), rng)
    return away_from_bin_edges(clustered_logits(rng, y, k).astype(dtype), y)


def read_only(x: Any) -> Any:
    x = x.copy()
    x.flags.writeable = False
    return x


def padded_columns(x: Any) -> Any:
    wide = np.full((len(x), 2 * x.shape[1]), np.nan, x.dtype)
    wide[:, ::2] = x
    return wide[:, ::2]


def padded_rows(x: Any) -> Any:
    tall = np.full((3 * len(x), x.shape[1]), np.nan, x.dtype)
    tall[1::3] = x
    return tall[1::3]


def wide_slice(x: Any) -> Any:
    wide = np.full((len(x), x.shape[1] + 5), np.nan, x.dtype)
    wide[:, 2:-3] = x
    return wide[:, 2:-3]


def unaligned(x: Any) -> Any:
    raw = np.empty(x.nbytes + 1, np.uint8)
    view = raw[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    assert not view.flags.aligned
    return view


LAYOUTS = {
    "fortran": np.asfortranarray,
    "read-only": read_only,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "padded-columns": padded_columns,
    "padded-rows": padded_rows,
    "wide-slice": wide_slice,
    "reversed-rows": lambda x: x[::-1].copy()[::-1],
    "reversed-columns": lambda x: x[:, ::-1].copy()[:, ::-1],
    "unaligned": unaligned,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("k", [5, 100, 300])
def test_memory_layouts(k: int, dtype: str, layout: str) -> None:
    z, y = data(k, dtype)
    other = LAYOUTS[layout](z)
    np.testing.assert_array_equal(other, z)
    before = other.copy()
    report = measure(other, y)
    assert_matches(report, large.measure(z, y), dtype)
    np.testing.assert_array_equal(other, before)
    # One way to do the arithmetic: the layout moves nothing but the order of reading.
    plain = measure(z, y)
    assert report.cmi == pytest.approx(plain.cmi, rel=1e-12, abs=1e-15)
    assert report.gamma == pytest.approx(plain.gamma, rel=1e-12)


@pytest.mark.parametrize("layout", ["fortran", "read-only", "big-endian", "padded-rows"])
@pytest.mark.parametrize("kind", ["probs", "log_probs"])
def test_memory_layouts_of_probabilities(kind: str, layout: str) -> None:
    z, y = data(20, "float64")
    p, logs = large.distributions(z)
    outputs = p if kind == "probs" else logs
    report = measure(LAYOUTS[layout](outputs), y, kind=kind)
    assert_matches(report, large.measure(outputs, y, kind=kind))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_memory_mapped_files(tmp_path: Path, dtype: str) -> None:
    z, y = data(300, dtype)
    np.save(tmp_path / "z.npy", z)
    np.save(tmp_path / "y.npy", y)
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    labels = np.load(tmp_path / "y.npy", mmap_mode="r")
    report = quietly(infotheory.measure_classifier, mapped, labels)
    assert_matches(report, large.measure(z, y), dtype)


@pytest.mark.parametrize("order", ["C", "F"])
def test_zeros_far_down_are_counted_from_the_top(tmp_path: Path, order: Any) -> None:
    z = np.zeros((450_000, 10), order=order)
    z[:, 1] = 2.0
    z[[430_001, 440_000], 2] = -np.inf
    labels = np.zeros(len(z), dtype=int)
    for outputs in (z, np.asarray(z, order="C")):
        report = measure(outputs, labels)
        assert (report.zeros, report.first_zero_row) == (2, 430_001)
    np.save(tmp_path / "z.npy", z[429_000:])
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    report = quietly(infotheory.measure_classifier, mapped, labels[429_000:])
    assert (report.zeros, report.first_zero_row) == (2, 1_001)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", ">i4"]
)
def test_label_types(dtype: str) -> None:
    z, y = data(30)
    report = measure(z, y.astype(dtype))
    assert_matches(report, large.measure(z, y), "float32")


def test_strided_and_read_only_labels() -> None:
    z, y = data(30)
    want = large.measure(z, y)
    spread = np.repeat(y, 2)[::2]
    assert_matches(measure(z, spread), want, "float32")
    assert_matches(measure(z, read_only(y)), want, "float32")


def test_lists_and_tuples() -> None:
    z, y = data(6, "float64")
    want = large.measure(z, y)
    lists = quietly(infotheory.measure_classifier, z.tolist(), y.tolist())
    assert_matches(lists, want)
    tuples = quietly(infotheory.measure_classifier, tuple(map(tuple, z.tolist())), tuple(y))
    assert_matches(tuples, want)


def test_anything_with_an_array_interface() -> None:
    class Wrapper:
        def __init__(self, values: Any) -> None:
            self.values = values

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.asarray(self.values, dtype=dtype)

    z, y = data(12)
    report = quietly(infotheory.measure_classifier, Wrapper(z), Wrapper(y))
    assert_matches(report, large.measure(z, y), "float32")


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    z, y = data(12, "float64")
    report = quietly(infotheory.measure_classifier, pandas.DataFrame(z), pandas.Series(y))
    assert_matches(report, large.measure(z, y))


def test_subclasses_of_arrays() -> None:
    class Tagged(np.ndarray):  # type: ignore[type-arg]
        pass

    z, y = data(12, "float64")
    assert_matches(
        quietly(infotheory.measure_classifier, z.view(Tagged), y.view(Tagged)),
        large.measure(z, y),
    )
