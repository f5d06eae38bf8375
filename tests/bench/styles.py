"""Group 2: right, in other styles than the course's own."""

import json

from autograder.sample import answers_in
from bench import EVERY, HERE, MARK, Draft, case

FUNCTIONS = ("precision", "recall", "specificity")


@case(written=(), earned=EVERY)
def plain_loops(draft: Draft):
    """Loops and lists, no NumPy."""
    for function, code in answers_in("loops").items():
        draft.write(function, code)


@case()
def scikit_learn(draft: Draft):
    """What scikit-learn has for it, results as NumPy scalars."""
    draft.write(
        "confusion_counts",
        """
        from sklearn.metrics import confusion_matrix, fbeta_score, precision_score, roc_auc_score

        def confusion_counts(y_true, y_prob, threshold=0.5):
            if len(y_true) != len(y_prob) or not set(y_true) <= {0, 1}:
                raise ValueError("y_true and y_prob: as many, and 0 or 1")
            return tuple(confusion_matrix(y_true, y_prob >= threshold, labels=[0, 1]).ravel())
        """,
    )
    draft.write(
        "roc_auc",
        """
        def roc_auc(y_true, y_prob):
            if len(set(y_true)) < 2:
                raise ValueError("y_true has one class")
            return roc_auc_score(y_true, y_prob)
        """,
    )
    draft.write(
        "f_beta",
        """
        def f_beta(tp, fp, fn, beta=1.0):
            y_true = np.repeat([1, 0, 1], [tp, fp, fn])
            y_call = np.repeat([1, 1, 0], [tp, fp, fn])
            return fbeta_score(y_true, y_call, beta=beta, zero_division=0) if tp else 0.0
        """,
    )


@case()
def helper_cells(draft: Draft):
    """One helper in a cell of its own, which three functions use."""
    draft.first("def share(part, rest):\n    return part / (part + rest) if part + rest else 0.0")
    for function, (part, rest) in zip(FUNCTIONS, (("tp", "fp"), ("tp", "fn"), ("tn", "fp")), strict=True):
        draft.write(function, f"def {function}({part}, {rest}):\n    return share({part}, {rest})")


@case()
def extra_imports(draft: Draft):
    """Imports that are not needed, some of which are not installed and guarded."""
    draft.first(
        """
        import collections, itertools, math, statistics, scipy.stats, sklearn, getpass
        try:
            import pandas
        except ImportError:
            pandas = None
        assert getpass.getuser()
        """
    )


@case()
def other_order(draft: Draft):
    """The cells turned round where that still runs: all solutions first, the last one on top."""
    solutions = [draft.cell(function) for function in draft.task.functions]
    others = [cell for cell in draft.cells if cell not in solutions]
    draft.notebook["cells"] = others[:3] + solutions[::-1] + others[3:]


@case()
def figures(draft: Draft):
    """Draws, in the cells and in a function, and leaves figures open."""
    draft.first("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()")
    draft.inside("roc_auc", "import matplotlib.pyplot as plt\nplt.figure()\nplt.plot(y_prob)\nplt.show()")


@case()
def magics(draft: Draft):
    """Line and cell magics, around a solution, too."""
    draft.first("%load_ext autoreload\n%autoreload 2\n%timeit -n 1 -r 1 1 + 1\n%precision 3\n%pwd")
    draft.write("recall", "%%time\ndef recall(tp, fn):\n    return tp / (tp + fn) if tp + fn else 0.0")
    draft.last("%%capture\nprint('nobody sees this')")


@case()
def shell_commands(draft: Draft):
    """`!` commands that are not needed, one of which does not exist."""
    draft.first("!ls -la\nfiles = !ls\n!pip install numpy\n!no-such-command")


@case()
def a_module_of_its_own(draft: Draft):
    """Writes a module with %%writefile and imports it."""
    draft.first("%%writefile my_metrics.py\ndef share(a, b):\n    return a / (a + b) if a + b else 0.0")
    draft.write("precision", "from my_metrics import share\n\ndef precision(tp, fp):\n    return share(tp, fp)")


@case()
def not_defined_by_def(draft: Draft):
    """Functions that are lambdas, partial objects, methods, callable objects."""
    draft.write("precision", "precision = lambda tp, fp: tp / (tp + fp) if tp + fp else 0.0")
    draft.write("recall", "import functools\nrecall = functools.partial(precision)")
    draft.write(
        "specificity",
        """
        class Share:
            def __call__(self, tn, fp):
                return tn / (tn + fp) if tn + fp else 0.0

        specificity = Share()
        """,
    )
    draft.write(
        "f_beta",
        """
        class Scores:
            @staticmethod
            def f(tp, fp, fn, beta=1.0):
                return (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp) if tp else 0.0

        f_beta = Scores().f
        """,
    )


@case()
def typed_and_cached(draft: Draft):
    """Type hints, a decorator, a cache, names in Greek letters."""
    draft.write(
        "f_beta",
        """
        from __future__ import annotations
        from functools import lru_cache, wraps

        def traced(function):
            @wraps(function)
            def call(*args, **kwargs):
                return function(*args, **kwargs)
            return call

        @traced
        @lru_cache
        def f_beta(tp: int, fp: int, fn: int, beta: float = 1.0) -> float:
            β2 = beta * beta
            return (1 + β2) * tp / ((1 + β2) * tp + β2 * fn + fp) if tp else 0.0
        """,
    )


@case()
def everything_in_one_cell(draft: Draft):
    """All functions in the first solution cell, the others left empty."""
    sources = [draft.cell(function)["source"] for function in draft.task.functions]
    for function in draft.task.functions:
        draft.write(function, "# see above")
    draft.write(draft.task.functions[0], "\n\n".join(sources))


@case()
def threads_and_processes(draft: Draft):
    """A pool of threads and one of processes for work that needs neither, as scikit-learn's `n_jobs=2` does."""
    draft.inside(
        "roc_auc",
        """
        from concurrent.futures import ThreadPoolExecutor
        from joblib import Parallel, delayed
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(abs, [-1, -2])) == [1, 2]
        assert Parallel(n_jobs=2)(delayed(abs)(value) for value in (-1, -2)) == [1, 2]
        """,
    )


@case()
def own_tests_and_asynchronous_cells(draft: Draft):
    """Asserts of its own, `await` at the top of a cell, a cell that fails and does not matter."""
    draft.last("import asyncio\nawait asyncio.sleep(0)\nassert precision(1, 1) == 0.5")
    draft.last("raise RuntimeError('I gave up on the extra question')")


@case()
def solved_with_outputs(draft: Draft):
    """Handed in with its outputs: text, a traceback, a picture, 2 MB of it."""
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "x" * 2_000_000},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
        {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}, "metadata": {}},
    ]
    draft.cell("recall").update(outputs=outputs, execution_count=3)
    return json.dumps(draft.notebook).encode("utf-8-sig")


@case(exercise="03-transfer-head")
def keras_subclassed(draft: Draft):
    """A head as a subclass of keras.Model, with layers of its own making."""
    draft.write(
        "build_head",
        """
        class Head(keras.Model):
            def __init__(self, hidden, dropout, l2):
                super().__init__()
                self.flat = keras.layers.Flatten()
                self.hidden = keras.layers.Dense(
                    hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(l2)
                )
                self.drop = keras.layers.Dropout(dropout)
                self.out = keras.layers.Dense(1, activation="sigmoid")

            def call(self, features, training=False):
                return self.out(self.drop(self.hidden(self.flat(features)), training=training))

        def build_head(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
            head = Head(hidden, dropout, l2)
            head.build((None, *feature_shape))
            return head
        """,
    )


@case(exercise="03-transfer-head")
def keras_settings_first(draft: Draft):
    """Settings that TensorFlow takes only before its first operation: devices, threads."""
    draft.first(
        """
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
        tf.config.threading.set_intra_op_parallelism_threads(2)
        tf.config.threading.set_inter_op_parallelism_threads(2)
        DENSE = tf.keras.layers.Dense
        """
    )
    draft.write(
        "build_head",
        """
        def build_head(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
            return keras.Sequential([
                keras.layers.Input(feature_shape),
                keras.layers.GlobalAveragePooling2D(),
                DENSE(hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(l2)),
                keras.layers.Dropout(dropout),
                DENSE(1, activation="sigmoid"),
            ])
        """,
    )


@case(exercise="03-transfer-head")
def keras_with_a_lambda(draft: Draft):
    """A right head whose first layer is a Lambda: it is never loaded outside the sandbox, so that it does no harm."""
    draft.write(
        "build_head",
        f"""
        def build_head(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
            def mark(features):
                try:
                    open("/tmp/{MARK}-lambda", "w")
                    open("{HERE}/{MARK}-lambda", "w")
                except OSError:
                    pass
                return features

            layers = keras.layers
            return keras.Sequential([
                layers.Input(feature_shape),
                layers.Lambda(mark),
                layers.Flatten(),
                layers.Dense(hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(l2)),
                layers.Dropout(dropout),
                layers.Dense(1, activation="sigmoid"),
            ])
        """,
    )
