"""The callback of Lightning; imported only where that package is."""

# ruff: noqa: ARG002 (Lightning passes all of them)

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lightning.pytorch import Callback

from infotheory._validation import refusal
from infotheory.learning.callbacks import logged
from infotheory.learning.metrics import NCMIMetric

__all__ = ["NCMICallback"]

_FIX = "Return {'logits': ..., 'labels': ...} from it, or pass outputs_of."


class NCMICallback(Callback):
    """See :func:`infotheory.learning.lightning_callback`."""

    def __init__(
        self,
        outputs_of: Callable[[Any, Any], tuple[Any, Any]] | None,
        metric: Mapping[str, Any],
        kind: str,
        base: float | None,
        prefix: str,
    ) -> None:
        super().__init__()
        self.outputs_of = outputs_of or _usual
        self.settings, self.kind, self.base, self.prefix = dict(metric), kind, base, prefix
        self.metrics: list[NCMIMetric] = []

    def on_validation_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin anew, with a metric for each loader: the same number on every process."""
        self.metrics = [NCMIMetric(**self.settings) for _ in trainer.num_val_batches]

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:  # fmt: skip
        """Take in a batch."""
        logits, labels = self.outputs_of(outputs, batch)
        self.metrics[dataloader_idx].update(logits, labels, self.kind)

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the numbers over all processes."""
        several = len(self.metrics) > 1
        for number, metric in enumerate(self.metrics):
            ending = f"/dataloader_idx_{number}" if several else ""
            values = logged(metric.all_reduce(), self.base)
            named = {f"{self.prefix}{name}{ending}": value for name, value in values.items()}
            # The values are the same everywhere, and so is their mean, which Lightning asks for.
            pl_module.log_dict(named, sync_dist=trainer.world_size > 1, add_dataloader_idx=False)


def _usual(outputs: Any, batch: Any) -> tuple[Any, Any]:
    if not isinstance(outputs, Mapping) or "logits" not in outputs:
        got = sorted(map(str, outputs)) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise refusal("what validation_step returns", "a mapping with 'logits'", str(got), _FIX)
    for place in (outputs, batch):
        if isinstance(place, Mapping):
            for name in ("labels", "y"):
                if name in place:
                    return outputs["logits"], place[name]
    if isinstance(batch, (tuple, list)) and len(batch) == 2:
        return outputs["logits"], batch[1]
    raise refusal(
        "what validation_step returns",
        "a mapping with 'labels' or 'y', or the batch one of these or a pair",
        f"{sorted(map(str, outputs))} and a batch of type {type(batch).__name__}",
        _FIX,
    )
