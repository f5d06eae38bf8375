"""The reference protocol of `pneumonia.reference`, as one of the experiments."""

from dataclasses import replace

from pneumonia import reference
from pneumonia.experiments.lab import Lab


def run(lab: Lab) -> dict:
    """What `course train` writes, without what every experiment says of itself."""
    # In the same pass over the images, what the other protocols take of them.
    lab.stage("features", lambda: len(lab.compute(("block5 map", "block5"))))
    how = replace(reference.REFERENCE, epochs=min(reference.REFERENCE.epochs, lab.scale.epochs))
    size = lab.scale.size
    result = lab.stage(
        "training", lambda: reference.run(lab.dataset, lab.scale.seeds, how, size=size, progress=False)[0]
    )
    return {name: result[name] for name in ("settings", "validation", "test", "runs")}
