"""Processes that train together: who has which rows, and how they come to the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
import torch.distributed
from torch import Tensor, nn

from infotheory._typing import IntArray
from infotheory._validation import refusal
from infotheory.learning.engine.settings import Settings
from infotheory.models.specs import needed

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["Processes", "gather_rows"]

Rows = TypeVar("Rows", IntArray, Tensor)


@dataclass(frozen=True, eq=False)
class Processes:
    """One process among those that train together; often it is alone.

    Attributes
    ----------
    accelerator : Accelerator
        Precision, device, scaling of losses and averaging of gradients.
    rank, size : int
        The number of this process, and how many there are.
    device : torch.device
        Where it computes.
    """

    accelerator: Accelerator
    rank: int
    size: int
    device: torch.device

    @classmethod
    @contextmanager
    def started(cls, settings: Settings) -> Iterator[Processes]:
        """Connect the processes that were launched together, for one run.

        Parameters
        ----------
        settings : Settings
            Say precision and device.

        Yields
        ------
        Processes

        Raises
        ------
        ValueError
            If the device does not know the precision, or a batch has fewer rows than there are
            processes.
        ImportError
            If Accelerate is not installed.
        """
        accelerate = needed("accelerate", "Training", "learning")
        host = settings.device == "cpu" or not torch.accelerator.is_available()
        with _own_state():
            accelerator = accelerate.Accelerator(
                mixed_precision=settings.precision,
                cpu=host,
                gradient_accumulation_steps=1,
                # The loop does so itself after each step, before procedures look at the network.
                kwargs_handlers=[accelerate.DistributedDataParallelKwargs(broadcast_buffers=False)],
            )
            size, device = accelerator.num_processes, accelerator.device
            if settings.precision == "fp16" and device.type == "cpu":
                raise refusal("precision", "'no' or 'bf16' on the host", "'fp16'")
            if settings.batch_size < size:
                raise refusal(
                    "batch_size",
                    f"at least the number of processes ({size})",
                    str(settings.batch_size),
                    "It counts the rows of all of them.",
                )
            yield cls(accelerator, accelerator.process_index, size, device)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    # --------------------------------------------------------------------------------------- rows

    def sizes(self, n: int) -> list[int]:
        """Return how many of n rows each process has: as even as can be, larger parts first."""
        return [n // self.size + (rank < n % self.size) for rank in range(self.size)]

    def share(self, n: int) -> IntArray:
        """Return the numbers of the rows of this process, of which there may be none."""
        sizes = self.sizes(n)
        start = sum(sizes[: self.rank])
        return np.arange(start, start + sizes[self.rank])

    def part(self, rows: Rows) -> Rows:
        """Return the rows of this process; where it has none, the first one as a stand-in.

        A network has to run in every process, as gradients are averaged over all of them. What it
        gives for a stand-in is dropped by :meth:`gathered`, and gets no gradient.
        """
        own = self.share(len(rows))
        return rows[own] if len(own) else rows[:1]

    def gathered(self, part: Tensor, n: int) -> Tensor:
        """Return the rows of all processes in the order before :meth:`part`; differentiable.

        Parameters
        ----------
        part : Tensor
            What this process has for its part.
        n : int
            How many rows there are in all.

        Returns
        -------
        Tensor, shape (n, ...)
        """
        return part if self.size == 1 else gather_rows(part, self.sizes(n), self.rank)

    # ------------------------------------------------------------------------------------ networks

    def prepared(self, network: nn.Module) -> nn.Module:
        """Return a module that runs the network for training, in the precision of the run.

        Gradients are averaged over the processes. The network itself stays as it is.
        """
        network.to(self.device)
        return self.accelerator.prepare_model(_Forward(network))

    def outputs(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a network without gradients, in the precision of the run; float32 comes back."""
        from accelerate.utils import convert_to_fp32

        with torch.no_grad(), self.accelerator.autocast():
            return convert_to_fp32(function(*arguments))

    def equalise(self, modules: Sequence[nn.Module], *, buffers_only: bool = False) -> None:
        """Give all processes the parameters and buffers of the first one."""
        if self.size == 1:
            return
        named = [
            each
            for module in modules
            for each in (module.buffers() if buffers_only else module.state_dict().values())
            if isinstance(each, Tensor)
        ]
        for kind in dict.fromkeys(each.dtype for each in named):
            tensors = [each.detach() for each in named if each.dtype == kind]
            together = torch.cat([each.reshape(-1) for each in tensors])  # one message, not many
            torch.distributed.broadcast(together, 0)
            parts = together.split([each.numel() for each in tensors])
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    # --------------------------------------------------------------------------------------- words

    def texts(self, own: str) -> list[str]:
        """Return what each process says, on every one of them; nothing is pickled."""
        if self.size == 1:
            return [own]
        content = torch.from_numpy(np.frombuffer(own.encode(), np.uint8).copy()).to(self.device)
        length = torch.tensor([len(content)], device=self.device)
        sizes = gather_rows(length, [1] * self.size, self.rank).tolist()
        everything = gather_rows(content, sizes, self.rank).cpu().numpy()
        return [each.tobytes().decode() for each in np.split(everything, np.cumsum(sizes)[:-1])]

    def first_does(self, action: Callable[[], Any]) -> None:
        """Let the first process do something; where it is refused there, all of them raise."""
        fault: Exception | None = None
        if self.first:
            try:
                action()
            except (ValueError, OSError) as error:
                fault = error
        said = self.texts("" if fault is None else str(fault))[0]
        if fault is not None:
            raise fault
        if said:
            raise ValueError(said)


def gather_rows(part: Tensor, sizes: Sequence[int], rank: int) -> Tensor:
    """Join the rows of all processes, in the order of their ranks; differentiable.

    Parameters
    ----------
    part : Tensor, shape (m, ...)
        Of this process: its first ``sizes[rank]`` rows count.
    sizes : sequence of int
        How many rows each process has; the same on all of them.
    rank : int
        Of this process.

    Returns
    -------
    Tensor, shape (sum of sizes, ...)

    Notes
    -----
    Every process computes the same loss of the joined rows, and its own part of the gradient is
    multiplied by the number of processes W. The parameters' gradients, which are then averaged,
    are so (1/W) sum_r J_r^T W g_r = sum_r J_r^T g_r: those of one process with all the rows.
    """
    return _GatherRows.apply(part, tuple(sizes), rank)


class _GatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor, sizes: tuple[int, ...], rank: int) -> Tensor:
        ctx.shape, ctx.sizes, ctx.rank = part.shape, sizes, rank
        own = part.new_zeros(max(sizes), *part.shape[1:])
        own[: sizes[rank]] = part[: sizes[rank]]
        everyone = [torch.empty_like(own) for _ in sizes]
        torch.distributed.all_gather(everyone, own)
        return torch.cat([each[:size] for each, size in zip(everyone, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        start, size = sum(ctx.sizes[: ctx.rank]), ctx.sizes[ctx.rank]
        own = gradient.new_zeros(ctx.shape)
        own[:size] = gradient[start : start + size] * len(ctx.sizes)
        return own, None, None


class _Forward(nn.Module):
    """What Accelerate wraps and patches, in place of the network of the user."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network(inputs)


@contextmanager
def _own_state() -> Iterator[None]:
    """Let Accelerate begin anew: what one run chose would bind all later ones in this process."""
    from accelerate.state import AcceleratorState, GradientState, PartialState

    states = [kind._shared_state for kind in (AcceleratorState, PartialState, GradientState)]  # noqa: SLF001
    before = [dict(state) for state in states]
    try:
        for state in states:
            state.clear()
        yield
    finally:
        for state, old in zip(states, before, strict=True):
            state.clear()
            state.update(old)
