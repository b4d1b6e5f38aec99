"""The Triton kernels are compiled for GPUs, which takes none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: no tensors to measure")
triton = pytest.importorskip("triton", reason="triton is not installed: no fused pass")

LONG, COUNTS, DOUBLES = "*i64", "*i32", "*fp64"
TYPES = dict.fromkeys(
    ("order", "slots", "slots_of_rows", "starts", "runs", "run_starts", "spare_starts", "classes",
     "invalid", "masked"), LONG
) | dict.fromkeys(("codes", "ties", "ranks"), COUNTS) | dict.fromkeys(
    ("constants", "buffer", "slopes"), DOUBLES
) | {"n_slots": "i32"}  # fmt: skip


def compiled(name: str, capability: int, logits: str, number: str, **constants: Any) -> Any:
    """Compile a kernel as a launch would; pointers are aligned as those of torch are."""
    from infotheory.learning.functional import _fused as kernels

    kernel = getattr(kernels, name)
    constants |= {"RANK": kernels.RANK, "TALLIES": kernels.TALLIES}
    constants = {key: value for key, value in constants.items() if key in kernel.arg_names}
    types = TYPES | dict.fromkeys(("powers", "gaps", "tops"), f"*{number}") | {"x": f"*{logits}"}
    signature = {arg: "constexpr" if arg in constants else types[arg] for arg in kernel.arg_names}
    aligned = {
        (place,): [["tt.divisibility", 16]]
        for place, arg in enumerate(kernel.arg_names)
        if signature[arg].startswith("*")
    }
    source = triton.compiler.ASTSource(kernel, signature, constants, aligned)
    target = triton.backends.compiler.GPUTarget("cuda", capability, 32)
    return triton.compile(source, target, options={"num_warps": 4, "enable_fp_fusion": True})


@pytest.mark.parametrize(
    ("name", "capability", "logits", "number"),
    [
        ("tile_sums", 80, "fp16", "fp32"),
        ("tile_sums", 90, "fp64", "fp64"),
        ("row_statistics", 80, "bf16", "fp32"),
        ("wide_sums", 90, "fp32", "fp64"),
        ("tally_runs", 80, "bf16", "fp32"),
        ("tally_runs", 90, "fp64", "fp64"),
    ],
)
def test_compiles(
    name: str, capability: int, logits: str, number: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    language = triton.language
    kernel = compiled(
        name, capability, logits, number, LABELLED=True, PACKED=capability == 80,
        PARTS=1 if capability == 80 else 3, TILE=128, ROWS=2, BLOCK=1024, STAGES=3, stride=1000,
        n_columns=1000,
        NUMBER=language.float32 if number == "fp32" else language.float64,
    )  # fmt: skip
    assert kernel.asm["cubin"]


def test_join_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    assert compiled("join_runs", 90, "fp32", "fp32", TILE=16, BLOCK=256, n_columns=1000).asm[
        "cubin"
    ]


@pytest.mark.parametrize("logits", ["fp32", "bf16"])
def test_a_thousand_columns_are_loaded_in_vectors(
    logits: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen bytes at a time, straight into shared memory; else the pass is slow."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel = compiled(
        "tile_sums", 90, logits, "fp32", LABELLED=True, ROWS=2, BLOCK=1024, STAGES=3, stride=1000,
        n_columns=1000, NUMBER=triton.language.float32,
    )  # fmt: skip
    copies = [line for line in kernel.asm["ptx"].splitlines() if "cp.async.c" in line]
    assert copies
    assert any("0x10" in line or ", 16" in line for line in copies), copies[:3]
    assert "atom." not in kernel.asm["ptx"]
