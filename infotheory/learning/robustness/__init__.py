"""How networks stand attacks on their inputs."""

from infotheory.learning.robustness.attacks import attack
from infotheory.learning.robustness.report import RobustnessReport
from infotheory.learning.robustness.sweep import robustness_sweep

__all__ = ["RobustnessReport", "attack", "robustness_sweep"]
