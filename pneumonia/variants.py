"""Other versions of an image, as another scanner might give it.

Every variant takes uint8 images (n, h, w, 3) with equal channels and their digests, and gives uint8 images of the same
shape. What is random is drawn from the digest: the same image always gets the same change, so its features can be kept.
"""

import numpy as np
from scipy import ndimage


def plain(images: np.ndarray, digests) -> np.ndarray:
    """The images as they are."""
    return images


def scanner(images: np.ndarray, digests) -> np.ndarray:
    """As another scanner might give the image: softer or sharper, blacks raised or cut, another contrast curve."""
    return _each(_scanner, images, digests)


def soft(images: np.ndarray, digests) -> np.ndarray:
    """A shift for judging, milder than `scanner` and always to one side: a little blurred, blacks a little raised."""
    return _each(lambda grey, rng: 10 + ndimage.gaussian_filter(grey, 0.5) * (245 / 255), images, digests)


def hard(images: np.ndarray, digests) -> np.ndarray:
    """A shift for judging to the other side of `soft`: sharpened, blacks cut."""
    return _each(lambda grey, rng: (_sharpen(grey, 0.6) - 8) * (255 / 247), images, digests)


VARIANTS = {variant.__name__: variant for variant in (plain, scanner, soft, hard)}


def _each(change, images: np.ndarray, digests) -> np.ndarray:
    changed = [
        change(image[..., 0].astype(np.float32), np.random.default_rng(int(digest[:16], 16)))
        for image, digest in zip(images, digests, strict=True)
    ]
    grey = np.clip(np.rint(np.reshape(changed, images.shape[:3])), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def _scanner(grey: np.ndarray, rng) -> np.ndarray:
    strength = rng.uniform(-1, 1)
    grey = ndimage.gaussian_filter(grey, -1.2 * strength) if strength < 0 else _sharpen(grey, strength)
    black, white, gamma = rng.uniform(-20, 25), rng.uniform(-20, 20), np.exp(rng.uniform(-0.35, 0.35))
    return black + np.clip(grey / 255, 0, 1) ** gamma * (255 + white - black)


def _sharpen(grey: np.ndarray, amount: float) -> np.ndarray:
    return grey + amount * (grey - ndimage.gaussian_filter(grey, 1.0))
