"""Models measured batch by batch: stored outputs or models at work, gone on with and merged."""

from infotheory.evaluation.evaluate import evaluate_model, evaluate_models

__all__ = ["evaluate_model", "evaluate_models"]
