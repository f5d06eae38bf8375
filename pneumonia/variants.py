"""Other versions of an image: as another scanner might give it, shifted, or brought to a common look.

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


def normalised(images: np.ndarray, digests) -> np.ndarray:
    """Brought to a common look: histogram equalised to a broad bell, fine detail scaled to a common energy.

    Detail is what a blur of 1.5 pixels takes away, measured inside the outer tenth of the image, where letters and
    borders stand.
    """
    return _each(_normalise, images, digests)


def soft_normalised(images: np.ndarray, digests) -> np.ndarray:
    """`soft`, then `normalised`: what is left of that shift."""
    return normalised(soft(images, digests), digests)


def hard_normalised(images: np.ndarray, digests) -> np.ndarray:
    """`hard`, then `normalised`."""
    return normalised(hard(images, digests), digests)


VARIANTS = {
    variant.__name__: variant for variant in (plain, scanner, soft, hard, normalised, soft_normalised, hard_normalised)
}


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


def _normalise(grey: np.ndarray, rng) -> np.ndarray:
    height, width = grey.shape
    order = np.argsort(grey + rng.uniform(0, 0.5, grey.shape).astype(np.float32), axis=None)  # ties broken evenly
    ranks = np.empty(grey.size, np.float32)
    ranks[order] = (np.arange(grey.size) + 0.5) / grey.size
    equal = 255 * ranks.reshape(grey.shape)
    # Half-way to equalised: a full equalisation would take away how much of the chest is white, which is the disease.
    grey = 0.5 * equal + 0.5 * (grey - grey.mean()) * (60 / max(grey.std(), 1.0)) + 64
    smooth = ndimage.gaussian_filter(grey, 1.5)
    detail = grey - smooth
    inner = detail[height // 10 : -height // 10, width // 10 : -width // 10]
    return smooth + detail * (6.0 / max(inner.std(), 0.5))
