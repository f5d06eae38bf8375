"""Where the evidence comes from: Grad-CAM against the true masks of phantoms, and errors by kind of pneumonia.

Only phantoms have masks. On them the maps of a frozen base with a linear head, of the same with block 5 fine-tuned for
a short and for a long time, of one with random weights, and maps of noise are held against where the disease was drawn.
Each of three seeds trains or draws anew; the frozen base has one head only, which has a single best answer. A phantom's
score is its mean over the seeds; intervals are by drawing patients, and models are compared on the same phantoms.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from pneumonia import data, gradcam, vgg16
from pneumonia.backend import keras
from pneumonia.experiments.lab import Lab, as_one_layer, fit_linear, linear, mean_and_sd
from pneumonia.finetune import convolutions, fine_tune, log_odds, tail
from pneumonia.training import class_weights

LAYER = "block5_conv3"
MEASURES = {"pointing_game": "hits", "intersection_over_union": "overlaps"}
TRAININGS = 3  # of each network that is fine-tuned, and draws of the others
PASSES = {"fine-tuned": 2.0, "fine-tuned longer": 10.0}  # over the training phantoms


def run(lab: Lab) -> dict:
    """Maps on the phantom, and errors by kind on the data of the protocol."""
    drawn = phantoms_of(lab)
    found = {}
    for model, (seeds, maps) in models(drawn).items():
        found[model] = [
            lab.stage(
                f"{model}-{seed}".replace(" ", "-"),
                lambda maps=maps, seed=seed: on_phantoms(drawn, *maps(seed)),
                drawn.dataset,
            )
            for seed in seeds
        ]
    return {
        "grad_cam": summary(drawn, found),
        "evidence": lab.stage("evidence", lambda: evidence(lab), drawn.dataset),
        "by_kind": lab.stage("by-kind", lambda: by_kind(lab)),
    }


def by_kind(lab: Lab) -> list[dict]:
    """Share of each kind that is called ill at 0.5, over the seeds."""
    features = lab.features("block3+4+5")
    found = {"validation": [], "test": []}
    for seed in lab.scale.seeds:
        training, validation = lab.split(seed)
        scored = fit_linear(lab, features, training, {"validation": validation, "test": lab.test})
        for split, (rows, logits) in scored.items():
            called, kinds = expit(logits) >= 0.5, lab.dataset.kinds[rows]
            found[split].append({kind: float(called[kinds == kind].mean()) for kind in sorted(set(kinds))})
    rows = []
    for split, runs in found.items():
        for kind in runs[0]:
            values = [run[kind] for run in runs if kind in run]
            rows.append(
                {
                    "images": split,
                    "kind": kind,
                    "called_ill": mean_and_sd(values) | {"values": [round(v, 5) for v in values]},
                }
            )
    return rows


def phantoms_of(lab: Lab) -> Lab:
    """The protocol's data where that is drawn, else the course's phantoms."""
    if lab.dataset.source.synthetic:
        return lab
    return Lab(lab.name, lab.version, data.phantom(), lab.scale, lab.progress)


def evidence(lab: Lab) -> dict[str, float]:
    """What the frozen head's log-odds are made of, on average over test phantoms: its constant, and the sums of what
    speaks for PNEUMONIA and against it. Grad-CAM shows the part that speaks for it only.
    """
    drawn = phantoms_of(lab)
    kernel, bias = _head(drawn, "imagenet")
    parts = drawn.features("block5")[drawn.test] * kernel
    result = {"constant": bias}
    for label, kind in enumerate(data.CLASSES):
        of_class = parts[drawn.labels[drawn.test] == label]
        result[f"for_{kind}"] = float(np.maximum(of_class, 0).sum(axis=1).mean())
        result[f"against_{kind}"] = float(np.minimum(of_class, 0).sum(axis=1).mean())
    return {name: round(value, 3) for name, value in result.items()}


def models(drawn: Lab) -> dict[str, tuple[tuple[int, ...], Callable]]:
    """`{model: (seeds, function)}`; from a seed to maps (n, h, w) of the ill test phantoms, and what else is told."""
    seeds = drawn.scale.seeds[:TRAININGS]
    tuned = {
        name: (seeds, lambda seed, passes=passes: fine_tuned_maps(drawn, passes, seed))
        for name, passes in PASSES.items()
    }
    return (
        {"frozen": (seeds[:1], lambda _: (frozen_maps(drawn), {}))}
        | tuned
        | {
            "random weights": (seeds, lambda seed: (frozen_maps(drawn, "random", seed), {})),
            "noise": (seeds, lambda seed: (noise(drawn, seed), {})),
        }
    )


def ill_phantoms(drawn: Lab) -> np.ndarray:
    """Rows of the test phantoms with a disease."""
    return drawn.test[drawn.labels[drawn.test] == 1]


def masks_of(drawn: Lab) -> np.ndarray:
    """Where the disease of each of `ill_phantoms` was drawn, bool (n, size, size)."""
    return np.stack([mask_of(drawn.dataset.images[row], drawn.scale.size) for row in ill_phantoms(drawn)])


def images_of(drawn: Lab) -> np.ndarray:
    """`ill_phantoms` as VGG16 takes them, float32 (n, size, size, 3)."""
    return vgg16.preprocess(drawn.dataset.load(drawn.scale.size, ill_phantoms(drawn)))


def on_phantoms(drawn: Lab, maps: np.ndarray, told: dict) -> dict:
    """Hits of the pointing game (0 or 1) and intersection over union, for each of `ill_phantoms`."""
    large, masks = gradcam.enlarge(maps, drawn.scale.size), masks_of(drawn)
    return told | {
        "hits": gradcam.pointing_game(large, masks).astype(int).tolist(),
        "overlaps": gradcam.intersection_over_union(large, masks).round(4).tolist(),
    }


def summary(drawn: Lab, found: dict[str, list[dict]]) -> dict:
    """Rates by model and kind, with intervals, and against the frozen base; and by chance, a point thrown at random."""
    ill, masks = ill_phantoms(drawn), masks_of(drawn)
    kinds, groups = drawn.dataset.kinds[ill], np.unique(drawn.names[ill], return_inverse=True)[1]
    groups_of = {"all": np.ones(len(ill), bool)} | {kind: kinds == kind for kind in sorted(set(kinds))}
    by_seed = {
        model: {name: np.array([run[key] for run in runs], float) for name, key in MEASURES.items()}
        for model, runs in found.items()
    }
    rows = []
    for model, measured in by_seed.items():
        for kind, some in groups_of.items():
            row = {"model": model, "kind": kind, "images": int(some.sum())}
            for name, values in measured.items():
                scores = values.mean(axis=0)[some]
                against = scores - by_seed["frozen"][name].mean(axis=0)[some]
                row[name] = round(float(scores.mean()), 4)
                row[f"{name}_interval_95"] = _interval(scores, groups[some], drawn)
                row[f"{name}_over_seeds"] = mean_and_sd(values[:, some].mean(axis=1))
                row[f"{name}_against_frozen"] = round(float(against.mean()), 4)
                row[f"{name}_against_frozen_interval_95"] = _interval(against, groups[some], drawn)
            rows.append(row)
    return {
        "data": drawn.dataset.source.title,
        "fingerprint": drawn.dataset.fingerprint,
        "patients": int(groups.max() + 1),
        "share_of_image_in_masks": {kind: round(float(masks[some].mean()), 4) for kind, some in groups_of.items()},
        "fine_tuned": {
            name: {"passes": found[name][0]["passes"]}
            | {
                key: mean_and_sd([run[key] for run in found[name]])
                for key in ("last_loss", "validation_auc", "test_auc")
            }
            for name in PASSES
        },
        "maps": rows,
    }


def _interval(scores: np.ndarray, groups: np.ndarray, lab: Lab) -> list[float]:
    """95% interval of the mean of scores (n,), with the patients `groups` (n,) drawn."""
    members = np.unique(groups, return_inverse=True)[1]
    rng, n = np.random.default_rng(0), members.max() + 1
    weights = np.array([np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(lab.scale.replicates)])[
        :, members
    ]
    return np.percentile(weights @ scores / weights.sum(axis=1), [2.5, 97.5]).round(4).tolist()


def noise(drawn: Lab, seed: int) -> np.ndarray:
    """Maps of smoothed noise (n, h, w), alike at all places, and dark where the maps of a network are: see grad_cam."""
    rng = np.random.default_rng(seed)
    height, width = drawn.base().get_layer(LAYER).output.shape[1:3]
    maps = np.stack([gaussian_filter(rng.random((height, width)), 1, mode="wrap") for _ in ill_phantoms(drawn)])
    read = np.zeros((height, width), bool)
    read[: height // 2 * 2, : width // 2 * 2] = True  # pooling takes pairs of rows and columns
    return np.where(read, maps, 0).astype(np.float32)


def mask_of(path, size: int) -> np.ndarray:
    """The mask of a phantom's disease, bool (size, size), from the folder `masks` beside its split."""
    folder = path.parents[2] / "masks" / path.parent.parent.name / path.parent.name
    with Image.open(folder / f"{path.stem}.png") as mask:
        return np.asarray(mask.convert("L").resize((size, size), Image.Resampling.BILINEAR)) >= 128


def _head(lab: Lab, weights: str = "imagenet", draw: int = 0) -> tuple[np.ndarray, float]:
    """Kernel (512,) and bias of a linear head on block5's mean, standardisation included."""
    features = lab.features("block5", weights=weights, draw=draw)
    training, _ = lab.split(0)
    return as_one_layer(linear(C=1e-2).fit(features[training], lab.labels[training]))


def frozen_maps(lab: Lab, weights: str = "imagenet", draw: int = 0) -> np.ndarray:
    """Grad-CAM maps (n, h, w) of a frozen base with a linear head."""
    kernel, bias = _head(lab, weights, draw)
    return _maps(lab.base(weights, draw=draw), kernel.astype(np.float32)[:, None], bias, images_of(lab))


def _maps(base: keras.Model, kernel: np.ndarray, bias, images: np.ndarray) -> np.ndarray:
    mean = keras.layers.GlobalAveragePooling2D()
    return gradcam.grad_cam(base, LAYER, lambda maps: mean(maps) @ kernel + bias, images)


def fine_tuned_maps(lab: Lab, passes: float, seed: int) -> tuple[np.ndarray, dict[str, float]]:
    """Grad-CAM maps (n, h, w) of block 5 and a head, fine-tuned from where the frozen ones were; and how well it does.

    passes: over the training phantoms
    seed: of the order of the images
    """
    blocks = lab.features("block4 map")
    training, validation = lab.split(0)
    model = tail(lab.base(), blocks.shape[1:], *_head(lab))
    passes = passes if lab.scale.epochs > 5 else passes / 8
    weights = class_weights(lab.labels[training])
    losses = fine_tune(
        model, lambda rows: blocks[rows], lab.labels, training, weights=weights, epochs=passes, seed=seed
    )
    told = {"passes": passes, "last_loss": round(float(np.mean(losses[-10:])), 4)}
    for name, rows in (("validation", validation), ("test", lab.test)):
        scores = log_odds(model, lambda r: blocks[r], rows)
        told[f"{name}_auc"] = round(float(roc_auc_score(lab.labels[rows], scores)), 4)
    base = vgg16.load_base((lab.scale.size, lab.scale.size, 3))
    for name in convolutions(first=5):
        base.get_layer(name).set_weights(model.get_layer(name).get_weights())
    return _maps(base, *model.get_layer("log_odds").get_weights(), images_of(lab)), told
