"""TensorFlow and Keras, imported without the lines that TensorFlow's C++ code writes to stderr at start-up.

No setting silences those lines (they come before TensorFlow's log is set up). In a notebook they look like an error,
and nbgrader takes anything on stderr for one.
"""

import os
import sys
import tempfile
from contextlib import contextmanager

STARTUP_NOISE = (b"I0000 ", b"W0000 ", b"E0000 ", b"WARNING: All log messages before absl", b"To enable the following")


@contextmanager
def without_startup_noise():
    """File descriptor 2 goes to a file; whatever is no start-up line of TensorFlow's is written out afterwards."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            caught.seek(0)
            for line in caught:
                if not line.startswith(STARTUP_NOISE):
                    os.write(2, line)


try:
    with without_startup_noise():
        import keras
        import tensorflow as tf
except ImportError as error:
    from pneumonia.settings import CourseError

    raise CourseError(
        f"TensorFlow could not be imported ({error}). Install it: pip install -r requirements.txt, from the "
        "course's folder"
    ) from None

__all__ = ["keras", "tf"]
