"""Other versions of an image: as another scanner might give it, or brought to a common look before the network sees it.

Every variant takes uint8 images (n, h, w, 3) with equal channels and their digests, and gives uint8 images of the same
shape. What is random is drawn from the digest: the same image always gets the same change, so its features can be kept.
"""

import hashlib
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.special import ndtri

CLIP_LIMIT = 0.03  # of CLAHE, 0..1; scikit-image's default of 0.01 leaves most of a veil where it was
MATCHED = (127.5, 55.0)  # mean and deviation of the grey levels, 0..255, that histogram matching gives to every image
BAND_LIMIT = 0.15  # cycles a pixel, of 0.5 that there can be
COARSE = 0.08  # cycles a pixel; 12 an image at 150 pixels, below the band in which the real healthy differ most
AUGMENTED_COPIES = 2


def plain(images: np.ndarray, digests) -> np.ndarray:
    """The images as they are."""
    return images


def scanner(images: np.ndarray, digests) -> np.ndarray:
    """As another scanner might give the image: softer or sharper, blacks raised or cut, another contrast curve."""
    return _each(_scanner, images, digests)


def soft(images: np.ndarray, digests) -> np.ndarray:
    """A shift for judging, milder than `scanner` and always to one side: a little blurred, blacks a little raised."""
    return _each(lambda grey, rng: 10 + ndimage.gaussian_filter(grey, 0.5) * (245 / 255), images, digests)


def soft_as_test(images: np.ndarray, digests) -> np.ndarray:
    """Healthy real images of training, at 150 pixels, as soft and with as raised blacks as those of test.

    By the medians of sharpness and of the 5th percentile of grey.
    """
    return _each(lambda grey, rng: 2 + ndimage.gaussian_filter(grey, 0.37) * (253 / 255), images, digests)


def hard(images: np.ndarray, digests) -> np.ndarray:
    """A shift for judging to the other side of `soft`: sharpened, blacks cut."""
    return _each(lambda grey, rng: (_sharpen(grey, 0.6) - 8) * (255 / 247), images, digests)


def clahe(images: np.ndarray, digests) -> np.ndarray:
    """Grey levels spread evenly within neighbourhoods of an eighth of the side, contrast raised to a limit only.

    Source: contrast limited adaptive histogram equalisation, Zuiderveld, Graphics Gems IV, 1994, as in scikit-image.
    """
    from skimage.exposure import equalize_adapthist

    return _each(
        lambda grey, rng: 255 * equalize_adapthist(grey.astype(np.uint8), clip_limit=CLIP_LIMIT), images, digests
    )


def matched(images: np.ndarray, digests) -> np.ndarray:
    """Histogram matching: every image gets the same grey levels as often, those of a normal distribution.

    An image keeps which pixel is brighter than which, and equal pixels stay equal. Source: histogram specification,
    Gonzalez and Woods, Digital Image Processing, chapter 3.
    """
    return _each(lambda grey, rng: _match(grey), images, digests)


def band_limited(images: np.ndarray, digests) -> np.ndarray:
    """Without frequencies above BAND_LIMIT, where scanners' sharpness and noise differ most.

    Source: a low-pass filter after Butterworth, Wireless Engineer, 1930, of order 4, as in scikit-image.
    """
    from skimage.filters import butterworth

    return _each(lambda grey, rng: butterworth(grey, BAND_LIMIT, high_pass=False, order=4, npad=16), images, digests)


def coarse(images: np.ndarray, digests) -> np.ndarray:
    """As `band_limited`, without the band in which the healthy of the real test folder differ most: see COARSE."""
    from skimage.filters import butterworth

    return _each(lambda grey, rng: butterworth(grey, COARSE, high_pass=False, order=4, npad=16), images, digests)


def lungs(images: np.ndarray, digests) -> np.ndarray:
    """Three quarters of the side, cut out about the middle of the lungs and enlarged: no borders, letters or arms."""
    return _each(lambda grey, rng: _cut_out(grey, lung_window(grey)), images, digests)


def lung_window(grey: np.ndarray, share: float = 0.75) -> tuple[int, int, int, int]:
    """Left, upper, right and lower edge, in pixels, of a square about the middle of what is dark in the image (h, w).

    share: of the image's side. Dark is below the median of the image without its outer fifth, where the lungs are the
    dark parts; the square stays within the image.
    """
    side = np.array(grey.shape)
    margin = side // 5
    inner = grey[margin[0] : side[0] - margin[0], margin[1] : side[1] - margin[1]]
    middle = margin + np.array(ndimage.center_of_mass(inner <= np.median(inner)))
    extent = np.rint(share * side)
    upper, left = np.clip(np.rint(middle - extent / 2), 0, side - extent).astype(int)
    return int(left), int(upper), int(left + extent[1]), int(upper + extent[0])


def _cut_out(grey: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
    picture = _picture(grey)
    return np.asarray(picture.resize(picture.size, Image.Resampling.BILINEAR, box=window))


def _picture(grey: np.ndarray) -> Image.Image:
    return Image.fromarray(grey.astype(np.uint8))


def _after(shift: Callable, normalise: Callable) -> Callable:
    """An image as another scanner would give it, and then normalised."""
    return lambda images, digests: normalise(shift(images, digests), digests)


def _augmented(copy: int) -> Callable:
    """The image as training with augmentation might see it: turned, moved, enlarged or reduced, mirrored or not.

    copy: each draws other changes
    """

    def change(grey, rng):
        own = np.random.default_rng([copy, int(rng.integers(2**63))])
        angle = np.deg2rad(own.uniform(-10, 10))
        zoom = own.uniform(0.8, 1.2, size=2)
        moved = own.uniform(-0.1, 0.1, size=2) * grey.shape
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * zoom
        middle = (np.array(grey.shape) - 1) / 2
        made = ndimage.affine_transform(grey, turn, middle - turn @ middle + moved, order=1, mode="nearest")
        return made[:, ::-1] if own.random() < 0.5 else made

    return lambda images, digests: _each(change, images, digests)


VARIANTS = {variant.__name__: variant for variant in (plain, scanner, soft, hard)}
VARIANTS["soft as test"] = soft_as_test
AUGMENTED = tuple(f"augmented {copy}" for copy in range(1, AUGMENTED_COPIES + 1))
VARIANTS |= {name: _augmented(copy) for copy, name in enumerate(AUGMENTED, start=1)}
NORMALISED = {variant.__name__: variant for variant in (clahe, matched, band_limited, coarse, lungs)}
VARIANTS |= NORMALISED | {f"soft, {name}": _after(soft, normalise) for name, normalise in NORMALISED.items()}


@cache
def behaviour(name: str) -> str:
    """SHA-256 of what a variant makes of a few made-up images: another one when its code or its constants change."""
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.linspace(40, 120, 48), np.linspace(0, 90, 56))
    grey = np.clip(ramp + rng.normal(0, 15, (4, *ramp.shape)), 0, 255).astype(np.uint8)
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in grey]
    return hashlib.sha256(VARIANTS[name](np.repeat(grey[..., None], 3, axis=-1), digests).tobytes()).hexdigest()


def _each(change, images: np.ndarray, digests) -> np.ndarray:
    changed = [
        change(image[..., 0].astype(np.float32), np.random.default_rng(int(digest[:16], 16)))
        for image, digest in zip(images, digests, strict=True)
    ]
    grey = np.clip(np.rint(np.reshape(changed, images.shape[:3])), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def _match(grey: np.ndarray) -> np.ndarray:
    mean, deviation = MATCHED
    levels, where, counts = np.unique(grey, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / grey.size  # 0..1, the middle of those that share a level
    return (mean + deviation * ndtri(ranks))[where].reshape(grey.shape)


def _scanner(grey: np.ndarray, rng) -> np.ndarray:
    strength = rng.uniform(-1, 1)
    grey = ndimage.gaussian_filter(grey, -1.2 * strength) if strength < 0 else _sharpen(grey, strength)
    black, white, gamma = rng.uniform(-20, 25), rng.uniform(-20, 20), np.exp(rng.uniform(-0.35, 0.35))
    return black + np.clip(grey / 255, 0, 1) ** gamma * (255 + white - black)


def _sharpen(grey: np.ndarray, amount: float) -> np.ndarray:
    return grey + amount * (grey - ndimage.gaussian_filter(grey, 1.0))
