"""Figures that move: a place on the page and its data; scripts of the same name in `book/_static` draw them.

    ```{moving-figure} thresholds
    ```

The data is read or drawn when the page is built and stands in the page, so that a figure works from disk. The cell
before it, tagged `still`, shows a state of it as a picture, for print and where no script runs.
"""

import json

import numpy as np
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from pneumonia import phantom, results

FIGURES = ("thresholds", "convolution")


def setup(app):
    app.add_directive("moving-figure", MovingFigure)
    app.add_js_file("moving-figures.js", loading_method="defer")
    for name in FIGURES:
        app.add_js_file(f"{name}.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


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


class MovingFigure(SphinxDirective):
    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        if name not in FIGURES:
            raise self.error(f"moving-figure: expected one of {', '.join(FIGURES)}, got {name!r}")
        self.env.note_dependency(str(results.FOLDER / "reference-head.json"))
        content = json.dumps(globals()[name](), separators=(",", ":"))
        html = (
            f'<div class="moving-figure" data-figure="{name}"><script type="application/json">{content}</script></div>'
        )
        return [nodes.raw("", html, format="html")]
