"""Where the evidence comes from: Grad-CAM against the true masks of phantoms, and errors by kind of pneumonia.

Only phantoms have masks. On them the maps of a frozen base with a linear head, of the same with block 5 fine-tuned for
a short and for a long time, of one with random weights, and maps of noise are held against where the disease was drawn.
"""

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
PASSES = {"fine-tuned": 2.0, "fine-tuned longer": 10.0}  # over the training phantoms


def run(lab: Lab) -> dict:
    """Maps on the phantom, and errors by kind on the data of the protocol."""
    drawn = phantoms_of(lab).dataset
    return {
        "grad_cam": lab.stage("grad-cam", lambda: on_phantoms(lab), drawn),
        "evidence": lab.stage("evidence", lambda: evidence(lab), drawn),
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


def on_phantoms(lab: Lab) -> dict:
    """Hits of the pointing game and intersection over union, by model and kind, on ill test phantoms."""
    drawn = phantoms_of(lab)
    ill = drawn.test[drawn.labels[drawn.test] == 1]
    size = lab.scale.size
    masks = np.stack([mask_of(drawn.dataset.images[row], size) for row in ill])
    images = vgg16.preprocess(drawn.dataset.load(size, ill))
    maps = {"frozen": frozen_maps(drawn, "imagenet", images)}
    fine_tuned = {}
    for name, passes in PASSES.items():
        passes = passes if lab.scale.epochs > 5 else passes / 8
        model, losses = fine_tuned_model(drawn, passes)
        maps[name] = fine_tuned_maps(drawn, model, images)
        last_loss = round(float(np.mean(losses[-10:])), 4)
        fine_tuned[name] = {"passes": passes, "last_loss": last_loss} | judged(drawn, model)
    maps["random weights"] = frozen_maps(drawn, "random", images)
    rng = np.random.default_rng(0)
    coarse = maps["frozen"].shape[1:]
    maps["noise"] = np.stack([gaussian_filter(rng.random(coarse), 1) for _ in ill]).astype(np.float32)
    kinds = drawn.dataset.kinds[ill]
    rows = []
    for model, coarse_maps in maps.items():
        large = gradcam.enlarge(coarse_maps, size)
        hits, overlaps = gradcam.pointing_game(large, masks), gradcam.intersection_over_union(large, masks)
        for kind in ("all", *sorted(set(kinds))):
            some = np.ones(len(ill), bool) if kind == "all" else kinds == kind
            rows.append(
                {"model": model, "kind": kind, "images": int(some.sum())} | _rates(hits[some], overlaps[some], lab)
            )
    return {
        "data": drawn.dataset.source.title,
        "fingerprint": drawn.dataset.fingerprint,
        "share_of_image_in_masks": round(float(masks.mean()), 4),
        "fine_tuned": fine_tuned,
        "maps": rows,
    }


def _rates(hits, overlaps, lab: Lab) -> dict:
    rng = np.random.default_rng(0)
    draws = rng.integers(len(hits), size=(lab.scale.replicates, len(hits)))
    return {
        "pointing_game": round(float(hits.mean()), 4),
        "pointing_game_interval_95": np.percentile(hits[draws].mean(axis=1), [2.5, 97.5]).round(4).tolist(),
        "intersection_over_union": round(float(overlaps.mean()), 4),
        "intersection_over_union_interval_95": np.percentile(overlaps[draws].mean(axis=1), [2.5, 97.5])
        .round(4)
        .tolist(),
    }


def mask_of(path, size: int) -> np.ndarray:
    """The mask of a phantom's disease, bool (size, size), from the folder `masks` beside its split."""
    folder = path.parents[2] / "masks" / path.parent.parent.name / path.parent.name
    with Image.open(folder / f"{path.stem}.png") as mask:
        return np.asarray(mask.convert("L").resize((size, size), Image.Resampling.BILINEAR)) >= 128


def _head(lab: Lab, weights: str) -> tuple[np.ndarray, float]:
    """Kernel (512,) and bias of a linear head on block5's mean, standardisation included."""
    features = lab.features("block5", weights=weights)
    training, _ = lab.split(0)
    return as_one_layer(linear(C=1e-2).fit(features[training], lab.labels[training]))


def frozen_maps(lab: Lab, weights: str, images: np.ndarray) -> np.ndarray:
    """Grad-CAM maps (n, h, w) of a frozen base with a linear head."""
    kernel, bias = _head(lab, weights)
    kernel = kernel.astype(np.float32)[:, None]
    mean = keras.layers.GlobalAveragePooling2D()
    return gradcam.grad_cam(lab.base(weights), LAYER, lambda maps: mean(maps) @ kernel + bias, images)


def fine_tuned_model(lab: Lab, passes: float) -> tuple[keras.Model, list[float]]:
    """Block 5 and a head, fine-tuned in passes over the training phantoms from where the frozen one was; and losses."""
    blocks = lab.features("block4 map")
    training, _ = lab.split(0)
    model = tail(lab.base(), blocks.shape[1:], *_head(lab, "imagenet"))
    weights = class_weights(lab.labels[training])
    losses = fine_tune(model, lambda rows: blocks[rows], lab.labels, training, weights=weights, epochs=passes)
    return model, losses


def judged(lab: Lab, model: keras.Model) -> dict[str, float]:
    """AUC of a fine-tuned model on validation and on test phantoms, 0..1."""
    blocks = lab.features("block4 map")
    parts = {"validation": lab.split(0)[1], "test": lab.test}
    return {
        f"{name}_auc": round(float(roc_auc_score(lab.labels[rows], log_odds(model, lambda r: blocks[r], rows))), 4)
        for name, rows in parts.items()
    }


def fine_tuned_maps(lab: Lab, model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Grad-CAM maps (n, h, w) of a base that has the block 5 of `model`, with its head."""
    base = vgg16.load_base((lab.scale.size, lab.scale.size, 3))
    for name in convolutions(first=5):
        base.get_layer(name).set_weights(model.get_layer(name).get_weights())
    kernel, bias = model.get_layer("log_odds").get_weights()
    mean = keras.layers.GlobalAveragePooling2D()
    return gradcam.grad_cam(base, LAYER, lambda maps: mean(maps) @ kernel + bias, images)
