"""Figures that move: a place on the page and its data; scripts of the same name in `book/_static` draw them.

    ```{moving-figure} thresholds
    ```

The data is read or drawn when the page is built and stands in the page, so that a figure works from disk. What a page's
own cells have computed they glue under the figure's name: `glue("heat-map", json.dumps(...))`. The cell
before the figure, tagged `still`, shows a state of it as a picture, for print and where no script runs.
"""

import ast
import json

import numpy as np
from docutils import nodes
from myst_nb.ext.glue.utils import RetrievalError, retrieve_glue_data
from sphinx.util.docutils import SphinxDirective

from pneumonia import phantom, results
from pneumonia.calibration import log_loss


def thresholds() -> dict:
    """Log-odds of the first seed's reference head on real images, by split and class: `{"test": {"ill": [...]}}`."""
    run = results.load("reference-head")["runs"][0]
    return {name: _by_class(run[name]) for name in ("validation", "test")}


def _by_class(judged: dict) -> dict[str, list[float]]:
    scores, labels = np.round(judged["logits"], 2), np.array(judged["labels"])
    return {name: np.sort(scores[labels == label]).tolist() for label, name in enumerate(("healthy", "ill"))}


def convolution() -> dict:
    """A phantom of 24 x 24 grey values, 0..255, small enough to see each pixel."""
    image, _ = phantom.render("bacteria", patient=33, size=240)
    return {"image": image.reshape(24, 10, 24, 10).mean(axis=(1, 3)).round().astype(int).tolist()}


def histories() -> dict:
    """The recorded trainings of the reference head by epoch, and scores of a linear head by number of images."""
    reference, diagnosis = results.load("reference-head"), results.load("diagnosis")
    runs = []
    for run in reference["runs"]:
        test = {name: run["test"][name] for name in ("auc", "accuracy")}
        test["loss"] = log_loss(run["test"]["labels"], run["test"]["logits"])
        history = {name: np.round(values, 4).tolist() for name, values in run["history"].items()}
        runs.append({"seed": run["seed"], "test": {name: round(v, 4) for name, v in test.items()}} | history)
    metrics, splits = ("auc", "accuracy", "recall", "specificity"), ("training", "validation", "test")
    sizes = [
        {"images": row["images"]} | {s: {m: round(row[s][m]["mean"], 4) for m in metrics} for s in splits}
        for row in diagnosis["learning_curve"]
    ]
    return {"patience": reference["settings"]["patience"], "runs": runs, "sizes": sizes}


# Each figure's data, or None where the page's cells glue it.
FIGURES = {
    "thresholds": thresholds,
    "convolution": convolution,
    "histories": histories,
    "preprocessing": None,
    "heat-map": None,
}


def setup(app):
    app.add_directive("moving-figure", MovingFigure)
    app.add_js_file("moving-figures.js", loading_method="defer")
    for name in FIGURES:
        app.add_js_file(f"{name}.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class MovingFigure(SphinxDirective):
    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        if name not in FIGURES:
            raise self.error(f"moving-figure: expected one of {', '.join(FIGURES)}, got {name!r}")
        for source in ("reference-head", "diagnosis"):
            self.env.note_dependency(str(results.FOLDER / f"{source}.json"))
        content = json.dumps(FIGURES[name]() if FIGURES[name] else self.glued(name), separators=(",", ":"))
        html = (
            f'<div class="moving-figure" data-figure="{name}"><script type="application/json">{content}</script></div>'
        )
        return [nodes.raw("", html, format="html")]

    def glued(self, name: str) -> dict:
        """What the page's cells have glued under the figure's name."""
        try:
            glued = retrieve_glue_data(self.state.document, name).data["text/plain"]
        except RetrievalError:
            raise self.error(
                f"moving-figure: expected a cell of the page to glue its data, glue({name!r}, json.dumps(...))"
            ) from None
        return json.loads(ast.literal_eval(glued))  # a glued string is kept as Python writes it
