"""A run that was killed and goes on is, bit for bit, the run that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning import killed_run
from learning.killed_run import STEPS_OF_AN_EPOCH, Dying, data, network, run
from learning.toys import CrossEntropy, Restless, mlp, problem, settings

from infotheory._atomic import reserved
from infotheory.exceptions import StateError
from infotheory.learning.data import CropFlip
from infotheory.learning.engine import Context, Run, train
from infotheory.learning.engine.binding import as_plain, differences, parts_of
from infotheory.learning.engine.checkpoints import load_checkpoint

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed by signals")

SCRIPT = Path(killed_run.__file__)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that nothing interrupts."""
    return run(tmp_path_factory.mktemp("whole"))


def killed(folder: Path, step: int) -> None:
    command = [sys.executable, str(SCRIPT), str(folder), str(step)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def state(folder: Path | None) -> dict[str, Any]:
    assert folder is not None
    return load_checkpoint(folder / "checkpoint.pt")


def unlike(first: Any, second: Any, place: str = "") -> list[str]:
    """Where two states differ, in any bit."""
    if isinstance(first, torch.Tensor):
        alike = first.dtype == second.dtype and torch.equal(first, second)
        return [] if alike else [place]
    if isinstance(first, dict):
        if first.keys() != second.keys():
            return [place]
        return [x for key in first for x in unlike(first[key], second[key], f"{place}/{key}")]
    if isinstance(first, list | tuple):
        pairs = enumerate(zip(first, second, strict=True))
        return [x for key, (a, b) in pairs for x in unlike(a, b, f"{place}/{key}")]
    return [] if first == second else [place]


def assert_same(first: Run, second: Run, *but: str) -> None:
    """Networks, buffers, optimiser, states of chance, history: all but the seconds."""
    found = unlike(state(first.folder), state(second.folder))
    assert [place for place in found if not place.endswith(("/seconds", *but))] == []
    for mine, its in zip(first.history, second.history, strict=True):
        assert {**mine, "seconds": 0} == {**its, "seconds": 0}
    assert first.folder is not None
    assert second.folder is not None
    for name in ("best.safetensors", "last.safetensors"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    assert first.report is not None
    assert second.report is not None
    assert first.report.to_frame().equals(second.report.to_frame())


def test_killed_in_mid_epoch_and_resumed(whole: Run, tmp_path: Path) -> None:
    killed(tmp_path, 2 * STEPS_OF_AN_EPOCH + 2)
    assert state(tmp_path)["epoch"] == 2
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 1 + 2
    resumed = run(tmp_path, resume=True)
    assert_same(whole, resumed)
    assert resumed.report is not None
    # The oracle bites: chance has gone elsewhere by the next epoch of another seed.
    other = run(None, settings={"seed": 1})
    assert other.history[0]["loss"] != whole.history[0]["loss"]


def test_the_last_weights_are_never_older_than_the_checkpoint(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infotheory.learning.engine import folder

    save = folder.save_checkpoint

    def breaking_off(path: Path, state: Any) -> None:
        save(path, state)
        if state["epoch"] == len(whole.history):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folder, "save_checkpoint", breaking_off)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    assert_same(whole, run(tmp_path, resume=True))


class Interrupted(Restless):
    """Breaks off at the end of an epoch."""

    def __init__(self, module: torch.nn.Module, epoch: int) -> None:
        super().__init__(module)
        self.epoch = epoch

    def end_epoch(self, context: Context) -> None:
        if context.epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("every", "saved"), [(2, 2), (4, None)])
def test_fewer_checkpoints_come_to_the_same(
    whole: Run, tmp_path: Path, every: int, saved: int | None
) -> None:
    fewer = {"checkpoint_every": every}
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, procedure=lambda: Interrupted(network(), 3), settings=fewer)
    found = state(tmp_path)["epoch"] if (tmp_path / "checkpoint.pt").exists() else None
    assert found == saved
    describing = {"procedure": "Interrupted"}  # the only thing in which it is not the whole one
    resumed = run(tmp_path, procedure=lambda: Interrupted(network(), -1), resume=True)
    assert state(tmp_path)["binding"].pop("procedure") == describing
    assert_same(whole, resumed, "/binding/procedure/procedure")


def test_a_finished_run_is_given_back(whole: Run, tmp_path: Path) -> None:
    first = run(tmp_path, settings={"checkpoint_every": 3})  # the last epoch has one all the same
    before = (tmp_path / "checkpoint.pt").read_bytes()
    again = run(tmp_path, resume=True)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert again.history == first.history
    assert_same(whole, again)


def test_a_constant_rate_may_go_on_for_longer(tmp_path: Path) -> None:
    constant = {"schedule": "constant"}
    run(tmp_path / "short", settings={**constant, "epochs": 2})
    longer = run(tmp_path / "short", resume=True, settings=constant)
    assert_same(run(tmp_path / "long", settings=constant), longer)
    with pytest.raises(ValueError, match="epochs must be at least the 4 that have run; got 3"):
        run(tmp_path / "short", resume=True, settings={**constant, "epochs": 3})


# ---------------------------------------------------------------------------------------- refusals


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that every refusal leaves as it was."""
    folder = tmp_path_factory.mktemp("finished")
    run(folder, settings={"epochs": 1})
    before = (folder / "checkpoint.pt").read_bytes()
    yield folder
    assert (folder / "checkpoint.pt").read_bytes() == before


def test_a_folder_with_a_run_is_not_overwritten(finished: Path) -> None:
    text = r"folder must be without a run; got .*, which has a checkpoint\. Go on with it by resume"
    with pytest.raises(ValueError, match=text):
        run(finished)


class Renamed(Dying):
    """Another procedure."""


def wider() -> torch.nn.Sequential:
    changed = network()
    changed[1], changed[2] = torch.nn.Linear(16, 9).double(), torch.nn.BatchNorm1d(9).double()
    changed[5] = torch.nn.Linear(9, 3).double()
    return changed


def other(place: int, part: torch.nn.Module) -> torch.nn.Sequential:
    changed = network()
    changed[place] = part
    return changed


def frozen() -> torch.nn.Sequential:
    changed = network()
    changed[1].requires_grad_(False)
    return changed


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"settings": {"epochs": 1, "lr": 0.02}}, r"got settings\.lr 0\.02 in place of 0\.01\. Go"),
        ({"settings": {"epochs": 1, "batch_size": 9, "seed": 3}}, r"size 9 .* 8; settings\.seed 3"),
        ({"settings": {"epochs": 5}}, r"epochs 5 in place of 1.*With schedule='cosine' every step"),
        (
            {"procedure": lambda: Renamed(network(), -1)},
            "procedure.procedure 'Renamed' in place of 'Dying'",
        ),
        (
            {"procedure": lambda: Dying(wider(), -1)},
            r"network.1.weight 'torch.float64 \(9, 16\)' in place of .*\(8, 16\)'.* and \d+ more",
        ),
        ({"procedure": lambda: Dying(network().float(), -1)}, "weight 'torch.float32"),
        ({"data": lambda: data(2, augment=CropFlip(1), mean=0.5)}, "got data '"),
        ({"data": lambda: data(augment=CropFlip(2), mean=0.5)}, "got data '"),
        ({"validation": lambda: data(2, mean=0.5)}, "got validation '"),
        (
            {"procedure": lambda: Dying(other(3, torch.nn.Tanh()), -1)},
            r"got parts\.network\.3 'Tanh\(\)' in place of 'ReLU\(\)'\. Go on",
        ),
        (
            {"procedure": lambda: Dying(other(4, torch.nn.Dropout(0.2)), -1)},
            r"got parts\.network\.4 'Dropout\(p=0\.2, .* in place of 'Dropout\(p=0\.3",
        ),
        (
            {"procedure": lambda: Dying(frozen(), -1)},
            r"network\.1\.weight 'torch\.float64 \(8, 16\), frozen' in place of .*16\)'; .*1\.bias",
        ),
    ],
)  # fmt: skip
def test_another_run_is_not_gone_on_with(finished: Path, changed: Any, text: str) -> None:
    made = {name: make() for name, make in changed.items() if name in {"data", "validation"}}
    options = {"settings": {"epochs": 1}, **changed, **made}
    with pytest.raises(ValueError, match=f"a resumed run must be the one that .* holds.*{text}"):
        run(finished, resume=True, **options)


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda content: content[: len(content) // 2], "truncated or damaged"),
        (lambda content: b"", "truncated or damaged"),
        (lambda content: content[:3000] + b"\xff\x00\xff" + content[3003:], "damaged"),
        (lambda content: b"no archive at all", "truncated or damaged"),
    ],
    ids=["half", "empty", "flipped", "foreign"],
)
def test_a_damaged_checkpoint_is_refused(
    finished: Path, tmp_path: Path, spoil: Any, text: str
) -> None:
    content = spoil((finished / "checkpoint.pt").read_bytes())
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(StateError, match=f"checkpoint must be a whole file.*{text}.*remove it"):
        run(tmp_path, resume=True, settings={"epochs": 1})
    assert (tmp_path / "checkpoint.pt").read_bytes() == content


class Object:
    """What must not be unpickled."""


@pytest.mark.parametrize(
    ("content", "text"),
    [({"format": Object()}, "other objects than tensors"), ([1, 2], "of another kind")],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: Any, text: str) -> None:
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(StateError, match=text):
        load_checkpoint(tmp_path / "checkpoint.pt")


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with reserved(tmp_path / "checkpoint.pt"):
        with pytest.raises(ValueError, match="into which another process is writing a run"):
            run(tmp_path)
        assert not (tmp_path / "checkpoint.pt").exists()
    run(tmp_path, settings={"epochs": 1})


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(ValueError, match=r"folder must be a folder; got .*taken', a file"):
        run(tmp_path / "taken")


class Own:
    """A data set of a user, of which only kind, length and labels are known."""

    def __init__(self, labels: list[int]) -> None:
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return torch.full((6,), float(row)), self.labels[row]


def test_another_labelling_is_another_run(tmp_path: Path) -> None:
    def trained(labels: list[int], **options: Any) -> Run:
        return train(
            CrossEntropy(mlp()), Own(labels), settings=settings(epochs=1), folder=tmp_path,
            **options,
        )  # fmt: skip

    trained([0, 1, 2] * 4)
    trained([0, 1, 2] * 4, resume=True)
    with pytest.raises(ValueError, match=r"a resumed run must be .* got data '"):
        trained([0, 2, 1] * 4, resume=True)


def test_what_a_procedure_freezes_as_it_begins_is_no_difference(tmp_path: Path) -> None:
    class Freezing(CrossEntropy):
        def start(self, context: Context) -> None:
            self.network[0].requires_grad_(False)

    for resume in (False, True):
        train(
            Freezing(mlp()), problem(), settings=settings(epochs=1), folder=tmp_path,
            resume=resume,
        )  # fmt: skip


def test_addresses_are_no_differences() -> None:
    class Function(torch.nn.Module):
        def __init__(self, function: Any) -> None:
            super().__init__()
            self.function = function

        def extra_repr(self) -> str:
            return repr(self.function)

    told = [as_plain(parts_of(torch.nn.Sequential(Function(lambda x: x)))) for _ in range(2)]
    assert "lambda" in told[0]["0"]
    assert "0x" not in told[0]["0"]
    assert told[0] == told[1]


def test_differences_are_named() -> None:
    old = {"a": {"b": 1, "c": [2, 3]}, "d": None, "gone": 1}
    new = {"a": {"b": 1, "c": [2, 4]}, "d": None, "e": "x"}
    assert differences(old, new) == {
        "a.c": ([2, 3], [2, 4]),
        "gone": (1, "absent"),
        "e": ("absent", "x"),
    }
    assert differences(old, old) == {}
