"""Grad-CAM and occlusion: where in an image the evidence for a class came from, and how well that agrees with a mask.

Source: Selvaraju et al., ICCV 2017. The pointing game is of Zhang et al., ECCV 2016.
"""

from collections.abc import Callable

import numpy as np

from pneumonia.backend import keras, tf


def grad_cam(base: keras.Model, layer: str, head, images: np.ndarray, batch: int = 16) -> np.ndarray:
    """Maps of the evidence for PNEUMONIA, float32 (n, h, w), at least 0, as large as the output of `layer`.

    base: a model from prepared images to the features that `head` takes
    head: a function from features, a tensor (n, ...), to log-odds (n,) or (n, 1)
    images: prepared as the base takes them, (n, height, width, 3)

    A place that no channel has a gradient at is 0: the answer does not depend on it. Pooling halves 9 rows to 4, for
    instance, and never reads the ninth, where a map would be bright for no reason.
    """
    look = keras.Model(base.inputs[0], base.get_layer(layer).output)
    after = base.layers[[known.name for known in base.layers].index(layer) + 1 :]
    maps = []
    for start in range(0, len(images), batch):
        part = tf.constant(images[start : start + batch])
        with tf.GradientTape() as tape:
            values = activations = look(part, training=False)
            tape.watch(activations)
            for following in after:  # a plain stack of layers, as VGG16 is
                values = following(values)
            score = tf.reduce_sum(head(values))
        gradients = tape.gradient(score, activations)
        channel_weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
        evidence = tf.nn.relu(tf.reduce_sum(channel_weights * activations, axis=-1))
        maps.append(tf.where(tf.reduce_any(gradients != 0, axis=-1), evidence, 0).numpy())
    return np.concatenate(maps)


def occlusion(
    score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, window: int = 30, step: int = 15, batch: int = 16
) -> np.ndarray:
    """How far the log-odds fall when a place is covered by a grey square, float (h, w).

    score: images, uint8 (n, h, w, 3), to log-odds (n,)
    image: the one to be explained, uint8 (h, w, 3)
    window, step: side of the square, and how far it moves on, in pixels

    A pixel's value is the mean over all squares that cover it: above 0 where the image spoke for PNEUMONIA. The square
    has the image's mean grey. ValueError where it is larger than the image, or a step would leave gaps. Source: Zeiler
    and Fergus, ECCV 2014.
    """
    height, width = image.shape[:2]
    if not 1 <= step <= window <= min(height, width):
        raise ValueError(f"expected 1 <= step <= window <= {min(height, width)}, got step {step} and window {window}")
    corners = [(top, left) for top in _places(height, window, step) for left in _places(width, window, step)]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    whole = score(image[None])
    for start in range(0, len(corners), batch):
        places = corners[start : start + batch]
        covered = np.repeat(image[None], len(places), axis=0)
        for hidden, (top, left) in zip(covered, places, strict=True):
            hidden[top : top + window, left : left + window] = image.mean().round()
        for fall, (top, left) in zip(whole - score(covered), places, strict=True):
            total[top : top + window, left : left + window] += fall
            count[top : top + window, left : left + window] += 1
    return total / count


def _places(length: int, window: int, step: int) -> list[int]:
    """Where the window starts, so that it reaches both ends."""
    return sorted({*range(0, length - window + 1, step), length - window})


def enlarge(maps: np.ndarray, size: int) -> np.ndarray:
    """Maps (n, h, w) at (n, size, size), bilinear."""
    return tf.image.resize(maps[..., None], (size, size)).numpy()[..., 0]


def pointing_game(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Whether the highest point of each map (n, h, w) lies in its mask, bool (n,). A flat map points nowhere."""
    flat, inside = maps.reshape(len(maps), -1), masks.reshape(len(masks), -1)
    return inside[np.arange(len(maps)), flat.argmax(axis=1)] & (np.ptp(flat, axis=1) > 0)


def intersection_over_union(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Of each mask and the region, as large as the mask, where its map is highest: float (n,), 0..1."""
    scores = []
    for found, mask in zip(maps.reshape(len(maps), -1), masks.reshape(len(masks), -1), strict=True):
        region = np.zeros_like(mask)
        region[np.argsort(-found, kind="stable")[: mask.sum()]] = True
        scores.append(np.sum(region & mask) / max(np.sum(region | mask), 1))
    return np.array(scores)
