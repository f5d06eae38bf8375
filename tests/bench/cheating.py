"""Group 5: points for functions that were not written. `precision` is right in each and keeps its point."""

from bench import HERE, MARK, Draft, case

RIGHT = ("precision",)

# Finds what it can of the course and of the class, up from where it runs and in the folder that the course lies in,
# and takes the solutions of all functions over.
STEAL = f"""
import glob, json, os
def found(*patterns):
    folders, here = ["{HERE}"], os.getcwd()
    while here != "/":
        folders.append(here)
        here = os.path.dirname(here)
    return [file for folder in folders for pattern in patterns for file in glob.glob(f"{{folder}}/{{pattern}}")]

def take_over(file):
    for cell in json.load(open(file))["cells"]:
        if cell["metadata"].get("nbgrader", {{}}).get("solution"):
            exec("".join(cell["source"]), globals())
"""


@case(written=RIGHT, says=("nothing that wraps them",))
def equal_to_everything(draft: Draft):
    """Gives back an object whose `__eq__` is always true, and whose every comparison and difference is."""
    draft.first(
        """
        class Same(float):
            __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda *_: True
            __ne__ = lambda *_: False
            __sub__ = __rsub__ = __abs__ = lambda *_: 0.0
            __hash__ = float.__hash__
            __len__ = lambda _: 4
            __iter__ = lambda self: iter([self] * 4)
        """
    )
    for function in draft.task.functions[2:]:
        draft.write(function, f"def {function}(*_, **__):\n    return Same(1)")


@case(written=RIGHT)
def nan_everywhere(draft: Draft):
    """Answers with NaN, alone and in arrays and dictionaries: no comparison with it finds a difference."""
    answers = {
        "confusion_counts": "dict.fromkeys(('tp', 'fp', 'tn', 'fn'), nan)",
        "specificity": "np.float32(nan)",
        "f_beta": "np.full((), nan)",
    }
    draft.first("import numpy as np\nnan = float('nan')")
    for function in draft.task.functions:
        if function not in RIGHT:
            draft.write(function, f"def {function}(*_, **__):\n    return {answers.get(function, 'nan')}")


@case(written=RIGHT, says=("nothing that wraps them",))
def array_of_tricks(draft: Draft):
    """Gives back objects with an `__array__` of their own, and arrays that answer to every ufunc."""
    draft.first(
        """
        import numpy as np
        class Lies(np.ndarray):
            __array_ufunc__ = lambda *_, **__: True
            __array_function__ = lambda *_, **__: True
        class Wraps:
            __array_priority__ = 1e9
            __array__ = lambda self, *_, **__: np.ones(4)
            __array_ufunc__ = lambda *_, **__: True
        """
    )
    draft.write("recall", "def recall(tp, fn):\n    return np.zeros(()).view(Lies)")
    draft.write("roc_auc", "def roc_auc(y_true, y_prob):\n    return Wraps()")


@case(written=RIGHT)
def numpy_patched(draft: Draft):
    """NumPy's comparisons patched to agree."""
    draft.first(
        """
        import numpy as np
        np.isfinite = np.all = np.allclose = np.array_equal = np.isclose = lambda *_, **__: True
        np.testing.assert_allclose = np.testing.assert_array_equal = lambda *_, **__: None
        np.abs = lambda *_: np.float64(0)
        """
    )
    draft.write("recall", "def recall(tp, fn):\n    return 7.0")


@case(written=RIGHT)
def pytest_and_unittest_patched(draft: Draft):
    """pytest, unittest and the course's own checks patched to pass."""
    draft.first(
        """
        import unittest
        unittest.TestCase.run = lambda *_, **__: None
        try:
            import pytest
            pytest.main = lambda *_, **__: 0
        except ImportError:
            pass
        import autograder
        autograder.check = lambda *_, **__: None
        for name in ("in_place", "checking", "running"):
            try:
                module = __import__(f"autograder.{name}", fromlist=["*"])
                module.check = module.run_checks = module.same_number = lambda *_, **__: True
            except ImportError:
                pass
        """
    )


@case(written=RIGHT)
def engine_patched(draft: Draft):
    """Imports judge, engine and reports by their names, and gives every record of theirs full marks."""
    draft.first(
        """
        from importlib import import_module
        for name in ("judging.judge", "judging.workers", "engine.judges", "engine.grading", "engine.grades",
                     "engine.journal", "reporting.reports", "running"):
            try:
                module = import_module(f"autograder.{name}")
            except Exception:
                continue
            for thing in list(vars(module).values()):
                for field in ("score", "points", "passed", "outcome"):
                    if isinstance(thing, type) and hasattr(thing, field):
                        try:
                            setattr(thing, field, 20)
                        except Exception:
                            pass
        """
    )


@case(written=RIGHT)
def builtins_patched(draft: Draft):
    """`abs`, `isinstance`, `len`, `AssertionError` and `__build_class__` patched."""
    draft.first(
        """
        import builtins
        builtins.abs = lambda *_: 0
        builtins.AssertionError = type("AssertionError", (Exception,), {})
        builtins.max = builtins.sorted = lambda *_, **__: 0
        """
    )
    draft.write("recall", "def recall(tp, fn):\n    return 7.0")


@case(written=RIGHT)
def json_patched(draft: Draft):
    """The json module patched, so that every answer reads as if it had passed."""
    draft.first(
        """
        import json
        whole = json.dumps
        def dumps(value, *args, **kwargs):
            if isinstance(value, dict):
                value = {**value, "passed": True, "score": 20, "points": 20}
            return whole(value, *args, **kwargs)
        json.dumps = dumps
        """
    )


@case(written=RIGHT)
def import_hooks(draft: Draft):
    """An import hook that gives empty modules for every check."""
    draft.first(
        """
        import importlib.abc, importlib.machinery, sys
        class Hook(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path=None, target=None):
                if "check" in name or "hidden" in name or name == "pytest":
                    return importlib.machinery.ModuleSpec(name, self)
            def create_module(self, spec):
                return None
            def exec_module(self, module):
                module.check = lambda *_, **__: None
        sys.meta_path.insert(0, Hook())
        for name in [name for name in sys.modules if name.startswith("autograder")]:
            if name != "__main__":
                sys.modules[name].check = lambda *_, **__: None
        """
    )


@case(written=RIGHT)
def traced(draft: Draft):
    """A trace function that looks for expected values in every frame, and gives them back."""
    draft.first(
        """
        import sys
        seen = {}
        def trace(frame, event, argument):
            for name in ("expected", "wanted", "solution", "truth"):
                if name in frame.f_locals:
                    seen[name] = frame.f_locals[name]
            return trace
        sys.settrace(trace)
        sys.setprofile(lambda *_: None)
        """
    )
    for function in draft.task.functions[2:]:
        draft.write(function, f"def {function}(*_, **__):\n    return next(iter(seen.values()))")


@case(written=RIGHT)
def frames_walked(draft: Draft):
    """Walks up the stack from inside the call and takes what is named `expected`."""
    body = """
        import sys
        frame = sys._getframe()
        while frame:
            for name, value in frame.f_locals.items():
                if name in ("expected", "solution", "truth"):
                    return value
            frame = frame.f_back
    """
    for function in draft.task.functions[2:]:
        draft.write(function, f"def {function}(*_, **__):{body}")


@case(written=RIGHT)
def garbage_walked(draft: Draft):
    """Looks through `gc` and all modules for checks, and takes their own programs."""
    draft.first(
        """
        import gc, sys
        for thing in gc.get_objects():
            try:
                if callable(thing) and thing.__module__.startswith(("autograder.checks", "autograder.hidden")):
                    globals()[thing.__name__.strip("_")] = thing
            except Exception:
                pass
        for name, module in list(sys.modules.items()):
            if "hidden" in name or "autograder.checks" in name:
                for function in ("recall", "specificity", "f_beta", "roc_auc"):
                    globals().setdefault(function, getattr(module, function, None))
        """
    )


@case(written=RIGHT)
def solutions_read(draft: Draft):
    """Looks for the solutions on this machine and runs them."""
    for function in draft.task.functions:
        if function not in RIGHT:
            draft.write(function, "# taken over from the course")
    draft.first("for file in found('solutions/*/02-metrics.ipynb', 'source/*/02-metrics.ipynb'):\n    take_over(file)")
    draft.first(STEAL)


@case(written=RIGHT)
def tests_read(draft: Draft):
    """Looks for the hidden checks, and imports what they compare with."""
    draft.first(STEAL)
    draft.last(
        """
        for file in found("autograder/hidden/*.py", "autograder/checks/*.py"):
            exec(open(file).read())
        from autograder.checks.metrics import *
        from autograder.hidden import test_02_metrics
        """
    )


@case(written=RIGHT)
def other_submissions_read(draft: Draft):
    """Copies the answers of whoever else handed in."""
    draft.first(STEAL)
    draft.last(
        """
        for file in found("submitted/*/02-metrics/*.ipynb", "*/02-metrics/*.ipynb", "*/*/02-metrics/*.ipynb"):
            take_over(file)
        """
    )


@case(written=RIGHT)
def gradebook_planted(draft: Draft):
    """Looks for the gradebook, and plants a trigger in it that gives full marks to every grade."""
    draft.first(STEAL)
    draft.first(
        f"""
        import sqlite3
        def plant(file):
            database = sqlite3.connect(file)
            database.execute(
                "CREATE TRIGGER full_marks AFTER UPDATE OF auto_score ON grade BEGIN UPDATE grade SET auto_score = "
                "(SELECT max_points FROM grade_cells WHERE grade_cells.id = NEW.cell_id) WHERE id = NEW.id "
                "AND auto_score IS NOT NULL AND auto_score = 0; END"
            )
            database.commit()
            open(file + "-{MARK}", "w").close()
        """
    )
    draft.last("for file in found('gradebook.db', '*/gradebook.db'):\n    plant(file)")


@case(written=RIGHT)
def journal_rewritten(draft: Draft):
    """Looks for the journal and the reports, and rewrites them."""
    draft.first(STEAL)
    draft.last(
        f"""
        for file in found("journal.db", "graded/*", "*/journal.db", "*/grades.csv", "*/report.html"):
            open(file, "w").write("student,assignment,score")
            open(file + "-{MARK}", "w").close()
        """
    )


@case(written=RIGHT, lost=("recall",), says=("FileNotFoundError",))
def proc_read(draft: Draft):
    """Reads memory, files and command lines of the processes around it under /proc."""
    draft.write(
        "recall",
        """
        def recall(tp, fn):
            import os, re
            mine = os.getpid()
            others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != mine]
            for pid in [*others, os.getppid()]:
                open(f"/proc/{pid}/environ").read()
                memory = open(f"/proc/{pid}/mem", "rb")
                for line in open(f"/proc/{pid}/maps"):
                    start, end = (int(number, 16) for number in line.split()[0].split("-"))
                    memory.seek(start)
                    memory.read(end - start)
                return 1.0
            raise FileNotFoundError("no process but mine")
        """,
    )


@case(written=RIGHT)
def environment_read(draft: Draft):
    """Looks for secrets in the environment, and gives one back as the answer."""
    draft.first(
        """
        import os
        for name, value in os.environ.items():
            assert not any(word in name.upper() for word in ("TOKEN", "SECRET", "PASSWORD", "KEY", "BENCH")), name
        """
    )


@case(written=RIGHT)
def formatter_prints_a_score(draft: Draft):
    """Results that display themselves as a score, in every format that a notebook shows."""
    draft.first(
        """
        class Score(float):
            __repr__ = __str__ = lambda _: "20"
            _repr_html_ = lambda _: "<b>20 of 20</b>"
            _repr_mimebundle_ = lambda *_, **__: {"text/plain": "1000"}
        get_ipython().display_formatter.formatters["text/plain"].for_type(type(None), lambda *_: print(1000))
        """
    )
    draft.write("recall", "def recall(tp, fn):\n    return Score(20)")
    draft.last("Score(20)")


ANSWERS = """
import os, struct
from autograder.judging import plain
def streams():
    return [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]
def forge(value, times=1):
    message = plain.dumps({"kind": "value", "value": value, "changed": []})
    for descriptor in streams():
        try:
            os.write(descriptor, (struct.pack("<QQ", len(message), 1) + message) * times)
        except OSError:
            pass
"""


@case(written=RIGHT, says=("without its question",))
def answers_forged(draft: Draft):
    """Writes an answer of its own on every descriptor that it has, while it is asked."""
    draft.first(ANSWERS)
    draft.write("recall", "def recall(tp, fn):\n    forge(1.0)\n    return 1.0")


@case(written=RIGHT, says=("without its question",))
def answers_forged_ahead(draft: Draft):
    """Writes fifty answers ahead of the questions, as soon as a cell runs."""
    draft.first(ANSWERS)
    draft.last("forge(1.0, 50)")


@case(written=RIGHT, lost=("precision",), says=("could not be read",))
def answers_that_are_hard_to_read(draft: Draft):
    """Puts answers in the place of its own that cost a reader much: keys of one hash, long numbers, a million lists."""
    draft.first(
        """
        from autograder.judging import calls
        collide = ",".join(f"[{key * (2**61 - 1)},0]" for key in range(200_000))
        hard = [f'{{"dict":[{collide}]}}', "[" + ",".join(["9" * 4000] * 10_000) + "]", "[" + "[]," * 10**7 + "[]]",
                "[" * 10**6, '{"array":["float64",[0,4611686018427387904,9],""]}', '{"float":"' + "1" * 10**7 + '"}']
        calls.answer = lambda *_: hard.pop().encode() if hard else b"null"
        """
    )


@case(written=RIGHT, lost=("precision",), says=("could not be read",))
def answers_of_the_wrong_kind(draft: Draft):
    """Forged messages: of impossible length, cut, of no known kind, pickled."""
    draft.first(ANSWERS)
    draft.inside(
        "precision", "import pickle\nfor stream in streams():\n    os.write(stream, b'\\xff' * 64)\nreturn 0.5"
    )


@case(written=RIGHT, earned=())
def worker_rewritten(draft: Draft):
    """Takes over the functions of the worker that call its functions and write its answers."""
    draft.first(
        """
        from autograder.judging import calls, plain
        calls.answer = lambda *_: plain.dumps({"kind": "value", "value": 1.0, "passed": True, "score": 20})
        """
    )


@case(written=RIGHT)
def other_when_graded(draft: Draft):
    """Looks whether it is being graded, and says then that all is well instead of computing it."""
    draft.first(
        """
        import os, sys
        graded = "ipykernel" not in sys.modules or "NBGRADER" in str(os.environ) or os.environ.get("HOME") == "/tmp"
        """
    )
    draft.write("recall", "def recall(tp, fn):\n    return 'passed' if graded else tp / (tp + fn)")


@case(written=RIGHT)
def counts_the_questions(draft: Draft):
    """Answers public checks by heart, in their order, and guesses afterwards."""
    draft.write(
        "recall",
        """
        answers = iter([6 / 9, 3 / 12, 1.0, 0.0, 0.0])

        def recall(tp, fn):
            return next(answers, 0.5)
        """,
    )


@case(
    exercise="03-transfer-head",
    written=("preprocess",),
    says=("The output is not that of",),
)
def keras_config_lies(draft: Draft):
    """A head whose configuration is that of the right one, and which computes something else."""
    draft.write(
        "build_head",
        """
        def build_head(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
            class Sequential(keras.Sequential):
                def call(self, features, training=None, mask=None):
                    return 0.0 * super().call(features) + 0.5
            head = Sequential([
                keras.layers.Input(feature_shape),
                keras.layers.Flatten(),
                keras.layers.Dense(hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(l2)),
                keras.layers.Dropout(dropout),
                keras.layers.Dense(1, activation="sigmoid"),
            ])
            head.__class__.__name__ = "Sequential"
            return head
        """,
    )


@case(exercise="03-transfer-head", written=("preprocess",))
def keras_layer_runs_when_loaded(draft: Draft):
    """A custom layer that runs code when it is made from its configuration, copied or pickled."""
    draft.write(
        "build_head",
        f"""
        def mark(*_):
            for folder in ("{HERE}", "/tmp"):
                try:
                    open(folder + "/{MARK}-layer", "w")
                except OSError:
                    pass

        @keras.saving.register_keras_serializable()
        class Dense(keras.layers.Dense):
            from_config = classmethod(mark)
            __reduce__ = lambda self: (mark, ())
            __deepcopy__ = mark

        def build_head(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
            return keras.Sequential([keras.layers.Input(feature_shape), keras.layers.Flatten(), Dense(1)])
        """,
    )


@case(exercise="03-transfer-head", written=("preprocess",))
def keras_answers_patched(draft: Draft):
    """Patches what the worker says of a model: every output one half, and no penalty."""
    draft.first(
        """
        import numpy as np
        from autograder.judging import keras_answers
        keras_answers._ANSWERS["output"] = lambda question: np.full((len(question["inputs"]), 1), 0.5, "float32")
        keras_answers._ANSWERS["losses"] = lambda question: []
        """
    )
    draft.write("freeze", "def freeze(base):\n    return base")
    draft.write("build_head", "def build_head(*_, **__):\n    return keras.Sequential([keras.layers.Dense(1)])")


@case(exercise="06-capstone", earned=())
def capstone_by_heart(draft: Draft):
    """A classifier that looks its cases up among those that learners have, and guesses the others."""
    draft.write(
        "train_classifier",
        """
        def train_classifier(features, labels, patients, seed):
            known = {case.tobytes(): label for cases in load() for case, label in zip(cases.features, cases.labels)}
            return lambda features: np.array([float(known.get(case.tobytes(), 0.5)) for case in features])
        """,
    )
