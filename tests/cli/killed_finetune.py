"""Run ``infotheory finetune``, killed behind a step of the optimiser.

Started as a program of its own: python killed_finetune.py STEP ARGUMENT...
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from infotheory.cli import main
from infotheory.learning.language.following import Bar


def run(step: int, arguments: list[str]) -> int:
    def killed(bar: Bar, args: Any, state: Any, control: Any, **more: Any) -> None:
        del bar, args, control, more
        if state.global_step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    Bar.on_step_end = killed  # type: ignore[method-assign]
    return main(["finetune", *arguments])


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), sys.argv[2:]))
