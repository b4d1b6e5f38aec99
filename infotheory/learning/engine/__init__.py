"""The loop that trains: procedures say what a step is, the engine runs it.

:func:`train` is the door: precision, devices, many processes, checkpoints and the measurement of
each epoch. :class:`Procedure` is what a method of training has to be, and :class:`Settings` says
how long, how fast and on what.
"""

from infotheory.learning.engine.measuring import evaluate
from infotheory.learning.engine.procedure import Batch, Context, Procedure
from infotheory.learning.engine.processes import gather_rows
from infotheory.learning.engine.run import Run, train
from infotheory.learning.engine.settings import Settings

__all__ = ["Batch", "Context", "Procedure", "Run", "Settings", "evaluate", "gather_rows", "train"]
