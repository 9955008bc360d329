"""The one exception that a person is meant to read.

Whatever is wrong with the input (a name, a file, a setting) is raised as a `BenchError` whose text is one line:
what was wrong, what was expected, what to do. The command line prints that line and exits with a non-zero code;
anything else that escapes is a defect of the project and keeps its traceback.
"""


class BenchError(Exception):
    """Bad input or a missing resource; `str(error)` is one line for a person."""


class DatasetMissing(BenchError):
    """A dataset's files are not where they were looked for."""


class Divergence(BenchError):
    """A loss stopped being a finite number; the text names the step and the batch."""
