"""The course's experiments: each a named protocol, run by `course reproduce NAME` and kept as `results/NAME.json`.

A protocol is written down before it looks at the test images: its question, what its choices are made on, its
threshold, and how many settings it judges on test.
"""

import importlib
import json
import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from pneumonia import results
from pneumonia.data import Dataset
from pneumonia.experiments.lab import FULL, QUICK, Lab, Scale, by_patient
from pneumonia.settings import CourseError, write_json


@dataclass(frozen=True)
class Protocol:
    """One experiment.

    name: of the command and of the results file
    question: what it is to answer
    chosen_on: the data that its choices are made on
    threshold: how a probability becomes a call
    looks: how many settings it judges on the test images; none of them is chosen by what is seen there
    earlier_looks: how many its earlier versions, or a protocol with the same question before it, judged on them
    minutes: on 2 free cores, after those before it, which compute features of images that it shares
    where: "module:function"; the function takes a Lab and returns the parts of the result
    version: raised when the same call would compute something else, so that kept stages are not taken for new ones
    """

    name: str
    question: str
    chosen_on: str
    threshold: str
    looks: int
    minutes: float
    where: str
    version: int = 1
    earlier_looks: int = 0

    @property
    def path(self) -> Path:
        """The results file."""
        return results.FOLDER / f"{self.name}.json"

    @property
    def state(self) -> str:
        """ "recorded", "outdated" where another version of the protocol was recorded, or "not yet run"."""
        if not self.path.is_file():
            return "not yet run"
        recorded = json.loads(self.path.read_text(encoding="utf-8")).get("version", 1)
        return "recorded" if recorded == self.version else "outdated"


HALF = "0.5, fixed beforehand"

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="reference-head",
            question="What does the course's reference reach: frozen VGG16, one hidden layer, patients apart?",
            chosen_on="the number of epochs, by the loss on validation",
            threshold=HALF,
            looks=2,  # the heads, and their mean
            minutes=10,
            where="pneumonia.experiments.reference_head:run",
            earlier_looks=1,
        ),
        Protocol(
            name="diagnosis",
            question="Why is validation so much better than test: overfitting, leakage, or shift?",
            chosen_on="nothing but where early stopping stops, by the loss on validation",
            threshold=HALF,
            looks=50,
            minutes=13,
            where="pneumonia.experiments.diagnosis:run",
            version=2,
            earlier_looks=49,
        ),
        Protocol(
            name="recipe",
            question="What does the original recipe reach, and each change to it?",
            chosen_on="the number of epochs, by the loss on validation",
            threshold=HALF,
            looks=7,
            minutes=25,
            where="pneumonia.experiments.recipe:run",
            version=2,
            earlier_looks=7,
        ),
        Protocol(
            name="imbalance",
            question="Which remedies for imbalance move the operating point only, and which learn something else?",
            chosen_on="the epochs, by the loss on validation at the ratio of training; moved thresholds, on validation",
            threshold="0.5; where moved, the best balanced accuracy on validation; a recall of 0.95 on validation",
            looks=21,
            minutes=3,
            where="pneumonia.experiments.imbalance:run",
            version=2,
            earlier_looks=21,
        ),
        Protocol(
            name="calibration",
            question="Do the probabilities mean what they say, and what does a threshold cost?",
            chosen_on="temperature and prior, on half of the validation patients",
            threshold="0.5; the one of least expected cost, for calibrated probabilities",
            looks=4,
            minutes=2,
            where="pneumonia.experiments.costs:run",
            version=3,
            earlier_looks=8,
        ),
        Protocol(
            name="transfer",
            question="What does transfer from ImageNet give, by the number of training images?",
            chosen_on="the L2 penalty, on a fifth of the training patients",
            threshold=HALF,
            looks=16,
            minutes=28,
            where="pneumonia.experiments.transfer:run",
            version=4,
            earlier_looks=16,
        ),
        Protocol(
            name="closing",
            question="How far can the gap be closed with the training folder alone?",
            chosen_on="held-out patients: as they are, softened, sharpened, and healthy of unseen study numbers",
            threshold="0.5; best balanced accuracy, a recall of 0.95, the same under two shifts, on held-out patients",
            looks=2,
            minutes=2,
            where="pneumonia.experiments.closing:run",
            version=2,
            earlier_looks=2,
        ),
        Protocol(
            name="normalising",
            question="Do a common look, changed copies or an ensemble close the gap, with the training folder alone?",
            chosen_on="cross-validation by patient, in domains of the training folder that the diagnosis had suggested",
            threshold="0.5; best balanced accuracy, and a recall of 0.95, on held-out patients",
            looks=12,  # two that count, and all candidates in hindsight
            minutes=12,
            where="pneumonia.experiments.normalising:run",
            version=3,
            earlier_looks=18,
        ),
        Protocol(
            name="finetuning",
            question="What does fine-tuning from block 5 or block 4 on add to the same network, frozen?",
            chosen_on="nothing is chosen",
            threshold=HALF,
            looks=5,
            minutes=42,
            where="pneumonia.experiments.finetuning:run",
            version=3,
            earlier_looks=3,
        ),
        Protocol(
            name="explain",
            question="Does Grad-CAM point at the disease, and which kind of pneumonia is missed?",
            chosen_on="nothing is chosen",
            threshold=HALF,
            looks=1,
            minutes=13,
            where="pneumonia.experiments.explain:run",
            version=3,
            earlier_looks=2,
        ),
    )
}


def find(name: str) -> Protocol:
    """The protocol of that name. CourseError with the names that exist where there is none."""
    try:
        return PROTOCOLS[name]
    except KeyError:
        raise CourseError(f"{name}: no such protocol; expected one of {', '.join(PROTOCOLS)}") from None


def run(protocol: Protocol, dataset: Dataset, scale: Scale | None = None, *, progress: bool = True) -> dict:
    """Run a protocol on a data set and return its result, ready for JSON. What a stopped run had finished is kept.

    scale: FULL for real images and QUICK for phantoms, unless given
    """
    scale = scale or (QUICK if dataset.source.synthetic else FULL)
    lab = Lab(protocol.name, protocol.version, dataset, scale, progress=progress)
    if scale.images is not None:
        parts = [by_patient(lab, rows, n, 0) for rows, n in zip((lab.pool, lab.test), scale.images, strict=True)]
        dataset = dataset.take(np.sort(np.concatenate(parts)))
        lab = replace(lab, dataset=dataset)
    module, function = protocol.where.split(":")
    with warnings.catch_warnings(), _without_retracing_warnings():
        # A head with a weak penalty is stopped after a number of steps on purpose; its settings say so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        parts = getattr(importlib.import_module(module), function)(lab)
    return {
        "protocol": protocol.name,
        "command": f"course reproduce {protocol.name}",
        "question": protocol.question,
        "chosen_on": protocol.chosen_on,
        "threshold_rule": protocol.threshold,
        "looks_at_test": protocol.looks,
        "version": protocol.version,
        "data": dataset.card(),
        "seeds": list(scale.seeds),
        "size": scale.size,
        "environment": results.environment(),
        "seconds": lab.seconds | {"total": round(sum(lab.seconds.values()), 1)},
        **parts,
    }


@contextmanager
def _without_retracing_warnings():
    """A protocol trains many networks, each with a graph of its own, which TensorFlow would take for a mistake."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def record(protocol: Protocol, result: dict) -> Path:
    """Keep a result under `results/`, real images only, and return its path."""
    if result["data"]["synthetic"]:
        raise CourseError(
            "results/ holds measurements on real images, and this result was measured on the phantom. "
            "Choose real data: `course reproduce NAME --data FOLDER`"
        )
    write_json(protocol.path, result)
    return protocol.path
