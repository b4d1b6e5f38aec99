"""Weights from files, without unpickling; and loading by name, without the network."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from models.model_support import no_network

from infotheory.models.offline import kept_offline, loaded
from infotheory.models.weights import read_weights, with_weights


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def weights(torch: Any) -> dict[str, Any]:
    return {"0.weight": torch.arange(6.0).reshape(3, 2), "0.bias": torch.ones(3)}


def linear(torch: Any) -> Any:
    return lambda k: torch.nn.Sequential(torch.nn.Linear(2, k or 4))


def equal(torch: Any, left: dict[str, Any], right: dict[str, Any]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


@pytest.mark.parametrize("wrap", ["", "state_dict", "model", "module."])
@pytest.mark.parametrize("ending", [".safetensors", ".pth", ".bin"])
def test_weights_are_read(
    torch: Any, weights: dict[str, Any], tmp_path: Path, ending: str, wrap: str
) -> None:
    path = tmp_path / f"w{ending}"
    stored: Any = {f"module.{k}": v for k, v in weights.items()} if wrap == "module." else weights
    if ending == ".safetensors":
        if wrap in ("state_dict", "model"):
            pytest.skip("safetensors holds tensors by name and no others")
        pytest.importorskip("safetensors.torch", reason="no safetensors").save_file(stored, path)
    else:
        torch.save({wrap: stored, "epoch": 3} if wrap in ("state_dict", "model") else stored, path)
    assert equal(torch, read_weights(str(path)), weights)
    module = with_weights(linear(torch), str(path))
    assert equal(torch, module.state_dict(), weights)


class Harm:
    """Something that would run code when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("harm was done",)


def test_nothing_else_is_unpickled(
    torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Harm()}, "w.pt")
    with pytest.raises(ValueError, match="a readable file of tensors alone; got") as caught:
        read_weights("w.pt")
    assert "Write the weights with safetensors.torch.save_file(" in str(caught.value)
    # Neither where a library asks for it on our behalf, nor where the user has allowed it.
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(ValueError, match="on this machine"):
        loaded(lambda: torch.load("w.pt", weights_only=False), "w", download=False)
    assert os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] == "1"
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ
    assert not Path("harm was done").exists()
    torch.load("w.pt", weights_only=False)  # the harm is real
    assert Path("harm was done").exists()


def test_files_that_hold_something_else_are_refused(torch: Any, tmp_path: Path) -> None:
    for content, text in (([1, 2], "tensors by name"), ({"epoch": 3}, "tensors by name")):
        torch.save(content, tmp_path / "w.pt")
        with pytest.raises(ValueError, match=text):
            read_weights(str(tmp_path / "w.pt"))
    for name in ("w.safetensors", "w.pth"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(ValueError, match=f"tensors alone; got '.*{name}'"):
            read_weights(str(tmp_path / name))
    with zipfile.ZipFile(tmp_path / "w.ckpt", "w"):
        pass
    with pytest.raises(ValueError, match=r"tensors alone; got '.*w\.ckpt'"):
        read_weights(str(tmp_path / "w.ckpt"))
    (tmp_path / "w.h5").touch()
    with pytest.raises(ValueError, match=r"a file that ends in one of \.safetensors, \.pt, .*h5'"):
        read_weights(str(tmp_path / "w.h5"))
    with pytest.raises(ValueError, match=r"weights must be an existing file; .*\(no such file\)"):
        read_weights(str(tmp_path / "none.pt"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda w: w.pop("0.bias"), "which has also '0.bias'; got 1 tensors in"),
        (lambda w: w.update(more=w["0.bias"]), "which has no 'more'; got 3 tensors in"),
        (lambda w: w.update({"0.weight": w["0.weight"].T}), "of shape (3, 2) in '0.weight'; got"),
    ],
)
def test_weights_of_another_model_are_refused(
    torch: Any, weights: dict[str, Any], tmp_path: Path, change: Any, text: str
) -> None:
    change(weights)
    torch.save(weights, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="weights must be") as caught:
        with_weights(linear(torch), str(tmp_path / "w.pt"))
    assert text in str(caught.value)
    assert "Check that the file belongs to this architecture." in str(caught.value)


# ----------------------------------------------------------------------------------------- offline


def test_switches_are_set_for_a_while_and_set_back(torch: Any) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason="no huggingface_hub")
    before = (constants.HF_HUB_OFFLINE, torch.hub.urlopen)

    def fail() -> None:
        with kept_offline(download=False):
            assert constants.HF_HUB_OFFLINE
            torch.hub.urlopen("https://example.org")

    with pytest.raises(ConnectionError, match="the network is not used"):
        fail()
    assert (constants.HF_HUB_OFFLINE, torch.hub.urlopen) == before
    with kept_offline(download=True):
        assert (constants.HF_HUB_OFFLINE, torch.hub.urlopen) == before


def test_no_request_leaves_the_machine() -> None:
    hub = pytest.importorskip("huggingface_hub", reason="no huggingface_hub")
    with no_network(), kept_offline(download=False):
        for call in (
            lambda: hub.hf_hub_download("owner/model", "config.json"),
            lambda: hub.HfApi().model_info("owner/model"),
        ):
            with pytest.raises(Exception, match=r"(?i)offline|cache|network"):
                call()


def test_sessions_of_old_hub_libraries_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    utils = SimpleNamespace(reset_sessions=lambda: closed.append(True))
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", utils)
    with kept_offline(download=False):
        assert closed == [True]
    assert closed == [True, True]


def test_machines_without_these_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("huggingface_hub", "huggingface_hub.constants", "huggingface_hub.utils"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "torch.hub", None)
    with kept_offline(download=False):
        pass
