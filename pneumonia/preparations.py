"""What may be done to an image before a network sees it, side by side: the numbers that it gets, and how they look.

For looking at. What training and prediction do is in `pneumonia.features` and `pneumonia.variants`.
"""

import io
from base64 import b64encode
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps
from scipy.ndimage import laplace

from pneumonia import variants
from pneumonia.vgg16 import IMAGENET_MEANS_BGR, preprocess

VGG16_SPAN = (-max(IMAGENET_MEANS_BGR), 255 - min(IMAGENET_MEANS_BGR))


@dataclass(frozen=True)
class Way:
    """One preparation of one image.

    values: what the network gets, float (h, w, 3)
    span: the values that are shown as black and as white
    """

    title: str
    values: np.ndarray
    span: tuple[float, float] = (0, 255)

    @property
    def picture(self) -> np.ndarray:
        """The values as red, green and blue, uint8 (h, w, 3)."""
        low, high = self.span
        return np.rint((self.values - low) * (255 / (high - low))).astype(np.uint8)

    @property
    def data_url(self) -> str:
        """The picture as a JPEG file in the text of an address, for a web page that needs no other file."""
        file = io.BytesIO()
        Image.fromarray(self.picture).save(file, "JPEG", quality=90)
        return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode()}"

    def numbers(self) -> dict[str, float]:
        """Smallest and largest value, their mean, and sharpness: the deviation of the picture's Laplacian."""
        return {
            "smallest": float(self.values.min()),
            "largest": float(self.values.max()),
            "mean": float(self.values.mean()),
            "sharpness": float(laplace(self.picture[..., 0].astype(float)).std()),
        }


def ways(image: np.ndarray) -> dict[str, Way]:
    """Every preparation of a grey image, uint8 (h, w), by a short name."""
    grey = Image.fromarray(image)
    colours = np.repeat(image[..., None], 3, axis=-1)
    changed = {
        "blurred": ("blurred", grey.filter(ImageFilter.GaussianBlur(2))),
        "sharpened": ("sharpened", grey.filter(ImageFilter.UnsharpMask(radius=2, percent=150, threshold=0))),
        "equalised": ("histogram equalised", ImageOps.equalize(grey)),
        "clahe": ("CLAHE", _normalised(variants.clahe, colours)),
        "matched": ("histogram matched", _normalised(variants.matched, colours)),
        "band_limited": ("band-limited", _normalised(variants.band_limited, colours)),
        "lungs": ("lungs cut out", _normalised(variants.lungs, colours)),
    }
    found = {
        "plain": Way("as it is", colours.astype(float)),
        "rescaled": Way("divided by 255", colours / 255, (0, 1)),
        "vgg16": Way("VGG16's own", preprocess(colours[None])[0].astype(float), VGG16_SPAN),
    }
    for name, (title, made) in changed.items():
        found[name] = Way(title, np.repeat(np.asarray(made, float)[..., None], 3, axis=-1))
    return found


def _normalised(variant, colours: np.ndarray) -> np.ndarray:
    """One of `variants.NORMALISED`, none of which draws anything, done to one image (h, w, 3); grey, (h, w)."""
    return variant(colours[None], ["0"])[0, ..., 0]
