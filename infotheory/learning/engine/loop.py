"""The loop: epochs of steps, each epoch measured, written down and saved."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from infotheory._typing import IntArray
from infotheory._validation import refusal
from infotheory.classifiers import NCMIReport
from infotheory.exceptions import InfotheoryWarning
from infotheory.learning.data import TrainingData
from infotheory.learning.engine.binding import as_plain, parts_of, refuse_differences, shapes_of
from infotheory.learning.engine.checkpoints import checked_state
from infotheory.learning.engine.feed import Feed, chunks
from infotheory.learning.engine.folder import Folder
from infotheory.learning.engine.history import Row, Tally, best_epoch, refuse_divergence
from infotheory.learning.engine.measuring import metric_over
from infotheory.learning.engine.procedure import Batch, Context, Procedure
from infotheory.learning.engine.processes import Processes
from infotheory.learning.engine.progress import Progress
from infotheory.learning.engine.randomness import generator_of, random_state, restore_random_state
from infotheory.learning.engine.schedules import learning_rate, optimiser_for
from infotheory.learning.engine.settings import Settings
from infotheory.learning.networks.at_work import in_mode

__all__ = ["Loop"]

_LOOK_EVERY = 16  # batches, where looking at a loss means waiting for a device
_MEASURED = ("cmi", "gamma", "ncmi", "error", "cross_entropy")


class Loop:
    """One run: a procedure, its data, and how far it has come.

    Parameters
    ----------
    procedure : Procedure
        What a step is.
    data : TrainingData
        What to train on.
    validation : TrainingData or None
        What to measure after each epoch.
    settings : Settings
        How to train.
    processes : Processes
        With which others.
    folder : Folder
        Where files go.

    Attributes
    ----------
    epoch, step : int
        Epochs and steps that have ended.
    history : list of dict
        One row an epoch.
    """

    def __init__(
        self,
        procedure: Procedure,
        data: TrainingData,
        validation: TrainingData | None,
        settings: Settings,
        processes: Processes,
        folder: Folder,
    ) -> None:
        self.procedure, self.network = procedure, procedure.network
        self.data, self.validation = data, validation
        self.settings, self.processes, self.folder = settings, processes, folder
        self.epoch = self.step = 0
        self.history: list[Row] = []
        self._kept: dict[str, Any] | None = None
        self._feed = Feed(data, settings, processes, self.network)
        for module in procedure.modules.values():
            module.to(processes.device)
        self._forward = processes.prepared(self.network)
        self._accelerator = processes.accelerator
        self._optimiser = optimiser_for(self.network, settings)
        self._optimiser.zero_grad()
        # Accelerate's own form looks for packages in each step, and is needed for scaling alone.
        scaled = self._accelerator.scaler is not None
        self._stepping = (
            self._accelerator.prepare_optimizer(self._optimiser) if scaled else self._optimiser
        )
        self._generator = generator_of(settings.seed)
        # Before the procedure begins, as it is on resuming.
        self._binding = self._what_binds() if folder.path is not None else {}

    # ------------------------------------------------------------------------------------ the run

    def begin(self) -> None:
        """Start, or go on from the checkpoint."""
        if self.folder.path is not None or self.settings.keep == "best":
            self._networks()  # what could not be kept is refused before the first epoch
        state = self.folder.checkpoint()
        if state is None:
            self.processes.equalise([self.network, *self.procedure.modules.values()])
            self.procedure.start(self._context())
        else:
            refuse_differences(state["binding"], self._binding, str(self.folder.path))
            self._load(state)
        if self.folder.path is not None:
            self.folder.describe(self._description())

    def run(self, show: bool | None) -> str:
        """Train until there is a reason to stop, and return it."""
        show = show if self.processes.first else False
        epochs, batches = self.settings.epochs, self._feed.n_batches
        with Progress(epochs, epochs * batches, self.epoch * batches, show) as progress:
            while (reason := self.reason_to_stop()) is None:
                self._one_epoch(progress)
        if self._kept is not None:
            self._load_networks(self._kept)
        self.network.eval()
        return reason

    def reason_to_stop(self) -> str | None:
        """Say why the run has ended; None while it goes on."""
        patience, monitor = self.settings.patience, self.settings.monitor
        if patience is not None and self.epoch - (self.best_epoch or 0) >= patience:
            return f"{monitor} has not fallen for {patience} epochs"
        if self.epoch >= self.settings.epochs:
            return f"all {self.settings.epochs} epochs have run"
        return None

    @property
    def best_epoch(self) -> int | None:
        """The epoch, from 1, with the smallest `monitor`."""
        return best_epoch(self.history, self.settings.monitor)

    def report(self, data: TrainingData) -> NCMIReport:
        """Measure the network as it is, in all processes together."""
        parts = chunks(self.processes.share(len(data)), self.settings.batch_size)
        workers = self.settings.workers
        with in_mode(self.network, training=False):
            metric = metric_over(self._scores, data, parts, self.network, workers=workers)
        return metric.all_reduce().compute()

    def _scores(self, inputs: Tensor) -> Tensor:
        with torch.no_grad():
            scores = self.procedure.scores(self.processes.outputs(self.network, inputs))
        refuse_divergence(scores, self.epoch)
        return scores

    # ---------------------------------------------------------------------------------- one epoch

    def _one_epoch(self, progress: Progress) -> None:
        started = time.perf_counter()
        self.procedure.start_epoch(self._context())
        means = self._train(progress)
        self.epoch += 1
        self.procedure.end_epoch(self._context())
        row = {"epoch": self.epoch, "lr": self._optimiser.param_groups[0]["lr"], **means}
        row |= self._measured()
        row |= self._figures(row)
        row["seconds"] = time.perf_counter() - started
        self.history.append(row)
        self._write_down()
        progress.measured(row)

    def _train(self, progress: Progress) -> Row:
        """Take the steps of an epoch, and return the means of the losses."""
        for module in (self.network, *self.procedure.modules.values()):
            module.train()
        on_host = self.processes.device.type == "cpu"
        tally = Tally(self.epoch + 1, 1 if on_host else _LOOK_EVERY)
        n_batches, together = self._feed.n_batches, self.settings.accumulation
        for number, (rows, inputs) in enumerate(self._feed.epoch(self.epoch)):
            first = number - number % together
            size = min(together, n_batches - first)  # batches of this step
            is_last = number + 1 == first + size
            with nullcontext() if is_last else self._accelerator.no_sync(self._forward):
                batch = self._batch(rows, inputs)
                loss = self._loss(batch, tally)
                self._accelerator.backward(loss if size == 1 else loss / size)
            if is_last:
                self._step(batch, (number + 1) / n_batches)
            progress.step(self.epoch + 1, tally.last, self._optimiser.param_groups[0]["lr"])
        return tally.means()

    def _batch(self, rows: IntArray, inputs: Tensor) -> Batch:
        """Run the network on the rows of this process, and join what all of them gave."""
        device, part, n = self.processes.device, self.processes.part, len(rows)
        numbers = torch.from_numpy(rows).to(device)
        own = self._forward(inputs)
        if not isinstance(own, Tensor) or len(own) != len(inputs):
            raise TypeError(
                f"network must give a tensor with one row a sample; got {type(own).__name__}"
                f"{f' of {len(own)} rows for {len(inputs)}' if isinstance(own, Tensor) else ''}."
            )
        companion = self.processes.outputs(self.procedure.companion, inputs, part(numbers))
        return Batch(
            outputs=self.processes.gathered(own, n),
            labels=self._feed.labels(rows),
            rows=numbers,
            companion=None if companion is None else self.processes.gathered(companion, n),
        )

    def _loss(self, batch: Batch, tally: Tally) -> Tensor:
        loss = self.procedure.loss(batch, self._context())
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            kind = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
            raise TypeError(f"loss must return a tensor of one number; got {kind}.")
        tally.add(len(batch.rows), loss, self.procedure.terms())
        return loss

    def _step(self, batch: Batch, fraction: float) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self.settings, self.epoch, fraction)
        if self.settings.clip is not None:
            self._accelerator.clip_grad_norm_(self._forward.parameters(), self.settings.clip)
        self._stepping.step()
        self._optimiser.zero_grad()
        self.processes.equalise([self.network], buffers_only=True)  # statistics of batches
        self.step += 1
        with torch.no_grad():
            self.procedure.after_step(batch, self._context())

    def _measured(self) -> Row:
        """Measure the validation data. What is odd about the numbers is told once, at the end."""
        if self.validation is None:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfotheoryWarning)
            report = self.report(self.validation)
        measured = {name: float(getattr(report, name)) for name in _MEASURED}
        self._refuse_blindness(measured)
        return measured

    def _refuse_blindness(self, measured: Row) -> None:
        """Refuse to look for the best epoch by a number that there is not."""
        monitor = self.settings.monitor
        chooses = self.settings.patience is not None or self.settings.keep == "best"
        if chooses and monitor != "ncmi" and math.isnan(measured[monitor]):
            raise refusal(
                "monitor",
                "'ncmi' where scores have fewer columns than there are classes",
                repr(monitor),
                "No column is the class of every label, so no answer is right or wrong.",
            )

    def _figures(self, row: Row) -> Row:
        figures = {
            name: float(each) for name, each in self.procedure.figures(self._context()).items()
        }
        clash = next((name for name in figures if name in row or name == "seconds"), None)
        if clash is not None:
            raise refusal("figures", "named unlike the columns of the history", repr(clash))
        return figures

    # ------------------------------------------------------------------------- what procedures ask

    def _context(self) -> Context:
        return Context(
            epoch=self.epoch,
            step=self.step,
            device=self.processes.device,
            labels=self.data.labels,
            n_classes=self.data.n_classes,
            generator=self._generator,
            inputs=self._inputs,
            passes=self._passes,
        )

    def _inputs(self, rows: Any, augment: bool = False) -> Tensor:
        return self._feed.inputs(rows, self._generator if augment else None)

    def _passes(
        self, augment: bool = False, training: bool = False
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        chance = self._generator if augment else None
        with in_mode(self.network, training=training):
            for rows, inputs in self._feed.once(chance):
                own = self.processes.outputs(self.network, inputs)
                numbers = torch.from_numpy(rows).to(self.processes.device)
                yield self.processes.gathered(own, len(rows)), self._feed.labels(rows), numbers
        if training:
            self.processes.equalise([self.network], buffers_only=True)

    # -------------------------------------------------------------------------------------- saving

    def _write_down(self) -> None:
        """Write what there is after an epoch; the checkpoint comes last."""
        if self.best_epoch == self.epoch:
            self.folder.weights("best", self.network)
            if self.settings.keep == "best":
                self._kept = _copied(self._networks())
        self.folder.history(self.history)
        due = self.epoch % self.settings.checkpoint_every == 0 or self.reason_to_stop() is not None
        if due and self.folder.path is not None:
            self.folder.save(self._state(), self.network)

    def _state(self) -> dict[str, Any]:
        """Return all that the next epoch depends on; all processes have to ask."""
        scaler = self._accelerator.scaler
        return {
            "binding": self._binding,
            "epoch": self.epoch,
            "step": self.step,
            "history": self.history,
            "networks": self._networks(),
            "kept": self._kept,
            "optimiser": self._optimiser.state_dict(),
            "scaler": None if scaler is None else scaler.state_dict(),
            "generator": self._generator.get_state(),
            "chance": self.processes.texts(random_state(self.processes.device)),
        }

    def _load(self, state: Mapping[str, Any]) -> None:
        if state["epoch"] > self.settings.epochs:
            raise refusal(
                "epochs", f"at least the {state['epoch']} that have run", str(self.settings.epochs)
            )
        self.epoch, self.step, self.history = state["epoch"], state["step"], state["history"]
        self._kept = state["kept"]
        self._load_networks(state["networks"])
        self._optimiser.load_state_dict(state["optimiser"])
        if self._accelerator.scaler is not None and state["scaler"] is not None:
            self._accelerator.scaler.load_state_dict(state["scaler"])
        self._generator.set_state(state["generator"])
        restore_random_state(state["chance"][self.processes.rank], self.processes.device)

    def _networks(self) -> dict[str, Any]:
        modules = self.procedure.modules.items()
        return {
            "network": checked_state(self.network.state_dict(), "the state of the network"),
            "modules": {
                name: checked_state(module.state_dict(), f"the state of the procedure's {name}")
                for name, module in modules
            },
            "extra": checked_state(self.procedure.extra_state(), "extra_state()"),
        }

    def _load_networks(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        for name, module in self.procedure.modules.items():
            module.load_state_dict(state["modules"][name])
        self.procedure.load_extra_state(state["extra"])

    def _what_binds(self) -> dict[str, Any]:
        """What a run may not change in the middle."""
        modules = {"network": self.network, **self.procedure.modules}
        return as_plain(
            {
                "settings": self.settings.binding(),
                "procedure": self.procedure.describe(),
                "shapes": {name: shapes_of(module) for name, module in modules.items()},
                "parts": {name: parts_of(module) for name, module in modules.items()},
                "data": self.data.fingerprint(),
                "validation": None if self.validation is None else self.validation.fingerprint(),
                "processes": self.processes.size,
            }
        )

    def _description(self) -> dict[str, Any]:
        parameters = [each for each in self.network.parameters() if each.requires_grad]
        return {
            "settings": self.settings.to_dict(),
            "procedure": self._binding["procedure"],
            "network": type(self.network).__name__,
            "parameters": sum(each.numel() for each in parameters),
            "samples": len(self.data),
            "classes": self.data.n_classes,
            "data": self._binding["data"],
            "validation": self._binding["validation"],
            "device": str(self.processes.device),
            "processes": self.processes.size,
            "threads": torch.get_num_threads(),
        }


def _copied(value: Any) -> Any:
    """Copy tensors in dicts and lists to the host, where nothing changes them any more."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, Mapping):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, (list, tuple)) else value
