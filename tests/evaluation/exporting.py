"""CIFAR-10 pictures as arrays, and a trained network as an ONNX file, as a user would make them."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np


def decoded(stored: Any, rows: range) -> np.ndarray:
    """Return pictures out of the bytes of many JPEG files, shape (n, 32, 32, 3), uint8."""
    from PIL import Image

    blob, ends = stored["jpeg"], stored["offsets"]
    return np.stack(
        [
            np.asarray(Image.open(io.BytesIO(blob[ends[i] : ends[i + 1]].tobytes())).convert("RGB"))
            for i in rows
        ]
    )


def export(model: Any, path: Path, *, external_data: bool = False) -> None:
    """Write a torch module and its preprocessing for ONNX Runtime, weights beside it or inside."""
    import torch

    from infotheory.models.preprocessing import Preprocessing

    module, preprocessing = model
    with warnings.catch_warnings():
        # The exporter uses what torch itself has given up, and names libraries that are not here.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            (torch.zeros(2, 3, 32, 32),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("n")},),
            verbose=False,
        )
    text = Preprocessing.of(preprocessing).to_json()
    program.model.metadata_props["infotheory.preprocessing"] = text
    program.save(path, external_data=external_data)
