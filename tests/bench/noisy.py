"""Group 1: right, and something is written to stderr, which costs all points in stock nbgrader."""

from bench import Draft, case


@case()
def stderr_from_python(draft: Draft):
    """Prints to stderr while the cells run and in each call."""
    draft.first("import sys\nprint('a note to myself', file=sys.stderr)")
    draft.inside("recall", "import sys\nprint('called', tp, fn, file=sys.stderr)\nsys.stderr.flush()")


@case()
def stderr_below_python(draft: Draft):
    """Writes to descriptor 2 past Python, and from C."""
    draft.above(
        "precision",
        """
        import ctypes, os
        os.write(2, b"raw bytes \\xff\\xfe\\n")
        libc = ctypes.CDLL(None)
        libc.perror(b"from C")
        """,
    )
    draft.inside("precision", "os.write(2, b'again')\nlibc.perror(b'from C')")


@case()
def warnings_of_all_kinds(draft: Draft):
    """Warns, and lets NumPy warn of a division by 0."""
    draft.above("roc_auc", "import warnings\nwarnings.simplefilter('always')\nwarnings.warn('old habits')")
    draft.inside("roc_auc", "warnings.warn('slow', DeprecationWarning)\nnp.array([1.0, 0.0]) / np.array([0.0, 0.0])")


@case()
def logging_to_stderr(draft: Draft):
    """Logs with Python's logging module at every level."""
    draft.first("import logging\nlogging.basicConfig(level=logging.DEBUG)\nlog = logging.getLogger('mine')")
    draft.inside("f_beta", "log.error('F of %s', (tp, fp, fn, beta))\nlog.debug('still here')")


@case()
def progress_bar(draft: Draft):
    """Shows a progress bar, which tqdm draws on stderr."""
    draft.inside("confusion_counts", "from tqdm import tqdm\nfor _ in tqdm(range(20)):\n    pass")


@case()
def stderr_of_a_program(draft: Draft):
    """Runs a program that writes to stderr, by `!` and by subprocess."""
    draft.first("import subprocess\n!echo oh >&2\nsubprocess.run('echo no >&2; exit 3', shell=True)")


@case(exercise="03-transfer-head")
def tensorflows_own_log(draft: Draft):
    """TensorFlow's log lines, Python's and those from C++, at the most talkative level."""
    draft.first(
        """
        import os
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
        import tensorflow as tf
        tf.get_logger().setLevel("DEBUG")
        tf.get_logger().error("a line of TensorFlow's")
        tf.print("another")
        """
    )
