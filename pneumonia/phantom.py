"""Phantoms: synthetic chest radiographs of small children, drawn by code, each with the mask of its disease.

A phantom is never a real image. It is drawn as a radiograph comes about: the density that the rays meet in soft
tissue, air and bone is added up, disease fills the air of the lungs, and a scanner turns the sum into grey. A patient
fixes the anatomy and the disease, a view the position, the exposure and the noise.

Lengths are in half-widths of the image: x runs from -1 (left edge of the image, the patient's right) to 1, y from -1
(top) to 1 (bottom). Density is in units in which 0 comes out black and 1 white at an average exposure.

How far the same arguments give the same pixels: always on one machine with one version of NumPy and SciPy. Elsewhere
the last bit of `exp` or `sin` may differ; everything is computed in double precision, so such a difference should
reach a rounded grey value about once in many millions of pixels. JPEG files add their codec: pixels read back may
differ by a grey level between versions of libjpeg.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from PIL import Image
from scipy import ndimage

VERSION = 2

KINDS = ("normal", "bacteria", "virus")

# About a thousand images: a seventh of the real set's training images and a third of its test images, with its class
# shares. Its validation split is as small.
COUNTS: dict[str, dict[str, int]] = {
    "train": {"NORMAL": 206, "PNEUMONIA": 596},
    "val": {"NORMAL": 8, "PNEUMONIA": 8},
    "test": {"NORMAL": 72, "PNEUMONIA": 120},
}

_BAND = 56 * 224  # pixels that are drawn at a time: their arrays fit into the processor's cache

# Streams of random numbers, one for each subject, so that the draws of one do not move those of another.
_ANATOMY, _POSE, _DISEASE, _SCANNER, _NOISE, _CLUTTER, _PLAN = range(7)


def _rng(seed: int, patient: int, stream: int, view: int = -1) -> Generator:
    """The random numbers of one subject of one patient, and of one view where that is given."""
    return Generator(Philox(SeedSequence([seed, patient, stream, view + 1])))


def _step(distance: np.ndarray, width: float) -> np.ndarray:
    """A soft edge: 0 where distance < -width, 1 where distance > width, a smooth ramp between."""
    # In place, since most of the time of a picture goes into fresh arrays.
    t = distance * (0.5 / width)
    t += 0.5
    np.clip(t, 0, 1, out=t)
    ramp = t * -2
    ramp += 3
    ramp *= t
    ramp *= t
    return ramp


def _bell(distance: np.ndarray, width: float) -> np.ndarray:
    """A bump of height 1 that falls to 0.25 at `width` and to 0 soon after, cheaper than a Gaussian."""
    t = distance * (1 / width)
    t *= t
    t += 1
    t *= t
    return np.divide(1, t, out=t)


def _cloud(rng: Generator, size: int, low: float, high: float, slope: float) -> np.ndarray:
    """Random texture (size, size), mean 0 and deviation 1, of about `low` to `high` cycles per image.

    Amplitude falls with frequency to the power `slope`.
    """
    amplitude = _amplitude(size, low, high, slope)
    waves = rng.random((*amplitude.shape, 2)) - 0.5
    field = np.fft.irfft2(amplitude * waves.view(complex)[..., 0], s=(size, size))
    return field * (1 / np.sqrt(np.mean(np.square(field))))


@functools.lru_cache(maxsize=8)
def _amplitude(size: int, low: float, high: float, slope: float) -> np.ndarray:
    """How strong the waves of a `_cloud` are, for each coefficient of `rfft2`."""
    f = np.hypot(np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size) * size)
    return np.exp(-np.square(f / high)) * (1 - np.exp(-np.square(f / low))) / np.maximum(f, 1) ** slope


# --- patients ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Anatomy:
    """What stays the same in every view of a patient. Lengths as in the module's docstring; (right, left) in pairs."""

    apex: float  # y of the top of the rib cage
    height: float  # from there to where the rib cage is widest
    width: float  # its largest half-width
    roundness: float  # of its top: 2 an ellipse, more a barrel
    wall: float  # soft tissue outside the ribs
    bend: float  # of the spine, sideways
    spine: float  # half-width of a vertebra
    rib_spacing: float
    rib_growth: float  # how much wider the spacing grows downwards
    rib_drop: float  # how far a rib falls from the spine to the side
    rib_drop_front: float  # and from the side to its front end
    rib_front: float  # density of the front parts
    rib_thickness: float  # as a share of the spacing
    bone: float  # mineral content, 1 on average
    heart_left: float  # how far the heart reaches to either side
    heart_right: float
    heart_y: float
    vessels_top: float  # half-width of the upper mediastinum, with the thymus
    thymus: float
    domes: tuple[float, float]  # y of the diaphragm's domes
    dome_curve: float
    trachea_x: float
    collars: tuple[float, float]  # how steeply the clavicles rise
    collar_bend: float
    arms: tuple[float, float]  # angle of the upper arms, radians, 0 straight up
    head: float  # y of the chin, out of the picture when less than -1
    shoulder: float  # y of the top of the shoulders
    stomach: tuple[float, float, float]  # x, radius, how much gas (0 none)
    fat: float  # thickness of the patient


def _draw_anatomy(rng: Generator) -> _Anatomy:
    """One patient."""
    n, u = rng.standard_normal, rng.uniform
    apex = -0.64 + 0.06 * n()
    height = 1.28 + 0.09 * n()
    dome = apex + height * (0.84 + 0.05 * n())
    arms_up = rng.random() < 0.75
    arm = u(0.1, 0.9) if arms_up else u(2.3, 2.9)
    collar = u(0.0, 0.45) if arms_up else u(-0.06, 0.1)
    return _Anatomy(
        apex=apex,
        height=height,
        width=0.68 + 0.05 * n(),
        roundness=u(2.7, 4.2),
        wall=u(0.07, 0.17),
        bend=0.02 * n(),
        spine=0.115 + 0.008 * n(),
        rib_spacing=0.142 + 0.009 * n(),
        rib_growth=u(0.15, 0.35),
        rib_drop=u(0.3, 0.54),
        rib_drop_front=u(0.15, 0.38),
        rib_front=u(0.02, 0.055),
        rib_thickness=u(0.18, 0.245),
        bone=np.exp(0.18 * n()),
        heart_left=0.365 + 0.035 * n(),
        heart_right=0.215 + 0.02 * n(),
        heart_y=dome - u(0.22, 0.32),
        vessels_top=0.137 + 0.015 * n(),
        thymus=max(0.0, u(-0.12, 0.1)),
        domes=(dome, dome + u(0.0, 0.09)),
        dome_curve=u(0.19, 0.34),
        trachea_x=-0.02 + 0.015 * n(),
        collars=(collar + 0.04 * n(), collar + 0.04 * n()),
        collar_bend=u(0.0, 0.035),
        arms=(arm + 0.1 * n(), arm + 0.1 * n()),
        head=u(-1.1, -0.74),
        shoulder=apex - u(0.02, 0.16),
        stomach=(u(0.25, 0.42), u(0.08, 0.17), max(0.0, u(-0.6, 1.0))),
        fat=np.exp(0.06 * n()),
    )


@dataclass(frozen=True)
class _Pose:
    """How a patient lies for one view."""

    angle: float  # radians in the plane of the image
    scale: tuple[float, float]
    shift: tuple[float, float]
    turn: float  # about the long axis: how far the front of the chest moves sideways
    breath: float  # how far the diaphragm stands above its usual place


def _draw_pose(rng: Generator, own: Generator) -> _Pose:
    """The pose of a view: habits of the patient (and of who stretched its images) from `rng`, the rest from `own`."""
    angle, size, aspect, x, y, turn = rng.standard_normal(6)
    d_angle, d_size, d_x, d_y, d_turn, breath = own.standard_normal(6)
    scale = 1.08 * np.exp(0.055 * size + 0.02 * d_size)
    stretch = np.exp(0.05 * aspect)
    return _Pose(
        angle=0.025 * angle + 0.02 * d_angle,
        scale=(scale * stretch, scale / stretch),
        shift=(0.03 * x + 0.02 * d_x, 0.04 * y + 0.025 * d_y),
        turn=0.02 * turn + 0.012 * d_turn,
        breath=0.02 * breath,
    )


class _Frame:
    """Where the pixels of one view lie in the patient, and the points of the patient in the image."""

    def __init__(self, pose: _Pose, size: int):
        c, s = np.cos(pose.angle), np.sin(pose.angle)
        self.size = size
        self.matrix = np.array([[c, -s], [s, c]]) * np.array(pose.scale)  # from the patient to the image
        self.shift = np.array(pose.shift)

    def coordinates(self, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """The patient's x and y at every pixel of some rows."""
        centre = (np.arange(self.size) + 0.5) * 2 / self.size - 1
        image_x, image_y = centre - self.shift[0], centre[rows, None] - self.shift[1]
        (a, b), (c, d) = self.matrix
        # Written out: a library's inverse may round differently from machine to machine.
        det = a * d - b * c
        return (d * image_x - b * image_y) / det, (a * image_y - c * image_x) / det

    def to_pixels(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns and rows, as floats, of points in the patient."""
        (a, b), (c, d) = self.matrix
        half = self.size / 2
        return (a * x + b * y + self.shift[0] + 1) * half - 0.5, (c * x + d * y + self.shift[1] + 1) * half - 0.5

    def splat(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray, blur: float) -> np.ndarray:
        """Strokes through densely sampled points: (size, size), each point spread over `blur` half-widths."""
        size = self.size
        col, row = self.to_pixels(x, y)
        inside = (col >= 0) & (col < size - 1) & (row >= 0) & (row < size - 1)
        col, row, weight = col[inside], row[inside], weight[inside] * (size / 224) ** 2
        i, j = row.astype(np.intp), col.astype(np.intp)
        fi, fj = row - i, col - j
        first = i * size + j
        corners = np.concatenate([first, first + 1, first + size, first + size + 1])
        shares = np.concatenate([(1 - fi) * (1 - fj), (1 - fi) * fj, fi * (1 - fj), fi * fj])
        canvas = np.bincount(corners, shares * np.tile(weight, 4), size * size)
        return ndimage.gaussian_filter(canvas.reshape(size, size), blur * size / 2, truncate=3)


# --- anatomy ----------------------------------------------------------------------------------------------------------


class _Chest:
    """One band of rows of one view: coordinates, each (rows, size), that the parts of the body are drawn in."""

    def __init__(self, a: _Anatomy, pose: _Pose, frame: _Frame, rows: slice):
        self.a, self.pose, self.frame, self.rows = a, pose, frame, rows
        self.x, self.y = frame.coordinates(rows)
        self.x -= a.bend * np.sin(2.5 * self.y)  # seen from the spine
        self.front = self.x - pose.turn
        t = np.clip((self.y - a.apex) / a.height, 0, 1)
        self.width = a.width * np.sqrt(1 - (1 - t) ** a.roundness) + 1e-3
        # A slice through the rib cage is an ellipse. u is where a ray crosses it, 0 in the middle and 1 at the side;
        # depth is how far it travels inside, 1 in the middle.
        self.side = np.abs(self.x)
        self.u = np.minimum(self.side / self.width, 1)
        self.depth = np.sqrt(1 - self.u**2)
        self.right = self.x < 0
        self.dome = self._diaphragm()

    def _diaphragm(self) -> np.ndarray:
        """y of the upper edge of the diaphragm above every pixel."""
        a = self.a
        top = np.where(self.right, a.domes[0], a.domes[1]) - self.pose.breath
        off = (self.side - 0.45 * a.width) / (0.55 * a.width)
        # Steep towards the side, where it meets the ribs at a sharp angle, and flat towards the heart.
        return top + np.where(off > 0, a.dome_curve, 0.3 * a.dome_curve) * off**2

    def heart_edges(self) -> tuple[np.ndarray, np.ndarray]:
        """How far the heart and the great vessels reach to the patient's right and left, at the y of every pixel."""
        a, y = self.a, self.y
        low = y - a.heart_y
        apex = _step(low + 0.2, 0.36) * (1 - 0.35 * _step(low - 0.36, 0.16))
        knob = 0.035 * _bell(y - a.heart_y + 0.52, 0.07)
        sail = a.thymus * _bell(y - a.heart_y + 0.42, 0.16)
        left = a.vessels_top - 0.01 + (a.heart_left - a.vessels_top) * 1.08 * apex + knob + sail
        right = a.vessels_top - 0.02 + (a.heart_right - a.vessels_top + 0.03) * _bell(low - 0.1, 0.42) + 0.8 * sail
        return right, left

    def box(self, x: tuple[float, float], y: tuple[float, float]) -> tuple[slice, slice]:
        """The part of the band in which a part of the body with these limits lies: only there need it be drawn."""
        cols, rows = self.frame.to_pixels(np.array([x[0], x[0], x[1], x[1]]), np.array([y[0], y[1], y[0], y[1]]))
        height, width = self.x.shape
        margin = 1 + self.frame.size // 32  # for the bend of the spine
        top, bottom = np.clip([rows.min() - self.rows.start - 1, rows.max() - self.rows.start + 2], 0, height)
        left, right = np.clip([cols.min() - margin, cols.max() + margin], 0, width)
        return slice(int(top), int(bottom)), slice(int(left), int(right))


def _lungs(chest: _Chest) -> tuple[np.ndarray, np.ndarray]:
    """Air in the lungs along each ray (0 to about 1) and the cover of the heart (0 to 1)."""
    right, left = chest.heart_edges()
    heart = _step(np.where(chest.right, right + chest.front, left - chest.front), 0.018)
    below = chest.y - chest.dome
    # Behind the dome the lung reaches further down, thinner and thinner.
    air = 1 - _step(below, 0.016) * (1 - 0.22 * (1 - _step(below - 0.1, 0.1)))
    inside = _step(1 - chest.u, 0.05)
    return np.sqrt(chest.depth) * inside * air * (1 - 0.97 * heart), heart


def _tissue(chest: _Chest, heart: np.ndarray) -> np.ndarray:
    """Density of the soft tissue: trunk, neck, head, arms, heart and belly, as if the lungs held no air."""
    a, y = chest.a, chest.y
    x = chest.side
    flank = (a.width + a.wall) * (1 - 0.05 * np.square(y - 0.1))
    across = np.sqrt(np.maximum(1 - np.square(np.square(x / flank)), 0))
    trunk = 0.60 * a.fat * across
    upper = chest.box((-2, 2), (-3, a.shoulder + 0.4))
    top = y[upper] - a.shoulder + 0.25 * _step(0.33 - x[upper], 0.2) - 0.12 * _step(x[upper] - 0.55, 0.3)
    trunk[upper] *= np.sqrt(_step(top - 0.08, 0.14))
    below = _step(y - chest.dome, 0.016)
    belly = below * (0.14 + 0.06 * _step(y - a.domes[0] - 0.1, 0.2))
    thickness = trunk * (1 + chest.depth * (0.10 * heart * (1 - below) + 1.4 * belly))
    neck = 0.42 * np.sqrt(np.maximum(1 - np.square(x[upper] / 0.27), 0)) * (1 - _step(top, 0.2))
    thickness[upper] = np.hypot(thickness[upper], neck)
    # The muscles between the ribs, where the rays run along the wall.
    thickness += 0.13 * _bell(x / chest.width - 0.985, 0.028) * _step(y - a.apex - 0.05, 0.05) * trunk
    for side, angle in zip((-1, 1), a.arms, strict=True):
        box, along, off = _along_arm(chest, side, angle)
        off = np.hypot(off, np.minimum(along, 0)) / 0.2
        # Where the arm lies over the trunk the sum grows little, as the two merge there.
        thickness[box] = np.sqrt(np.hypot(np.square(thickness[box]), 0.14 * np.maximum(1 - off * off, 0)))
    box, r = _head_radius(chest)
    thickness[box] = np.hypot(thickness[box], 0.75 * np.sqrt(np.sqrt(np.maximum(1 - r * r, 0))))
    return thickness


def _along_arm(chest: _Chest, side: int, angle: float) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
    """Where one upper arm lies, and there the coordinates along and across it, from the shoulder joint."""
    a = chest.a
    x, y = a.width + 0.07, a.shoulder + 0.1
    ux, uy = np.sin(angle), -np.cos(angle)
    box = chest.box(_mirror(side, x - 0.25, x + 2 * ux + 0.25), (min(y, y + 2 * uy) - 0.25, max(y, y + 2 * uy) + 0.25))
    dx, dy = side * chest.x[box] - x, chest.y[box] - y
    return box, dx * ux + dy * uy, dx * uy - dy * ux


def _segment(a: _Anatomy, y: np.ndarray) -> np.ndarray:
    """Which vertebra or rib lies at y, counted from the top of the rib cage, whole numbers at their middles."""
    z = (y - a.apex) / a.rib_spacing
    return z - 0.25 * a.rib_growth * a.rib_spacing * z * np.abs(z)


def _ribs(chest: _Chest, heart: np.ndarray, jitter: np.ndarray) -> np.ndarray:
    """Density of the ribs, back and front; jitter (2, 12) moves each rib of either side a little.

    A rib runs round the rib cage and falls as it comes forward. Seen from the front it is drawn twice, once behind
    (flat near the spine, steep at the side) and once in front, where it falls on towards the middle. At the side the
    rays run along it, which makes the bright rim of the rib cage.
    """
    a, u = chest.a, chest.u
    edge_on = np.maximum(chest.depth, 0.33)
    slope = u / edge_on / np.maximum(chest.width, 0.3)
    inside = _step(0.985 - chest.side / chest.width, 0.015) / edge_on
    total = 0.0
    for drop, steepness, strength in (
        (a.rib_drop * (1 - chest.depth) - 0.03 * np.minimum(u, 0.5), a.rib_drop, 0.092),
        (
            a.rib_drop + a.rib_drop_front * chest.depth,
            -a.rib_drop_front,
            a.rib_front * _step(u - 0.55, 0.25) * _step(a.domes[0] + 0.1 - chest.y, 0.2),
        ),
    ):
        z = _segment(a, chest.y - drop - 0.02)
        number = np.clip(np.rint(z), 0, 11).astype(np.intp)
        z = z + jitter[chest.right.astype(np.intp), number]
        off = np.abs(z - number) / np.sqrt(1 + np.square(steepness * slope)) / a.rib_thickness
        # Hard bone outside, marrow within: the edges are denser than the middle.
        total = total + strength * _step(1 - off, 0.25) * (0.8 + 0.45 * off**2)
    # Rays that much tissue has hardened and scattered show less of the bone.
    veil = np.maximum(0.65 * _step(chest.y - chest.dome, 0.1), 0.3 * heart)
    inside = inside * _step(chest.side - 0.7 * a.spine, 0.04) * (1 - veil)
    return a.bone * total * inside * _step(chest.y - a.apex + 0.02, 0.03)


def _spine(chest: _Chest, total: np.ndarray) -> None:
    """Add the density of the vertebrae and their discs, and take away the air of the windpipe in front of them."""
    a = chest.a
    box = chest.box((-0.24, 0.24), (-2, 2))
    side, y, front = chest.side[box], chest.y[box], chest.front[box]
    z = _segment(a, y)
    off = z - np.rint(z)
    half = a.spine * (1 + 0.16 * np.square(2 * off))
    column = _step(half - side, 0.02)
    disc = _step(np.abs(off) - 0.42, 0.06)
    plate = _bell(np.abs(off) - 0.36, 0.05)
    arches = _bell(side - 0.6 * a.spine, 0.022) * _bell(off - 0.05, 0.14)
    bone = column * (0.12 - 0.04 * disc + 0.03 * plate) + 0.05 * arches
    across = (front - a.trachea_x) / 0.055
    air = np.sqrt(np.maximum(1 - np.square(across), 0)) * (1 - _step(y - a.heart_y + 0.42, 0.08))
    total[box] += a.bone * bone - 0.13 * air


def _shoulders(chest: _Chest, total: np.ndarray) -> None:
    """Add the density of the clavicles, the shoulder blades and the upper arms' bones."""
    a = chest.a
    for side, angle, collar in zip((-1, 1), a.arms, a.collars, strict=True):
        box = chest.box(_mirror(side, 0.0, 0.65), (a.apex - collar - 0.15, a.apex + 0.2))
        s = (side * chest.front[box] - 0.09) / (0.6 * a.width)
        clipped = np.clip(s, 0, 1)
        middle = a.apex + 0.04 - collar * clipped**1.5 - a.collar_bend * np.sin(2 * np.pi * clipped)
        off = np.abs(chest.y[box] - middle) / (0.021 + 0.012 * np.square(2 * clipped - 1)) / (1 + np.maximum(collar, 0))
        bone = 0.15 * _step(1 - off, 0.35) * (0.7 + 0.5 * off**2) * _step(s, 0.04) * _step(1 - s, 0.05)
        total[box] += a.bone * bone
        box, along, across = _along_arm(chest, side, angle)
        half = 0.045 + 0.04 * _bell(along - 0.02, 0.09)
        off = np.abs(across) / half
        total[box] += a.bone * 0.13 * _step(1 - off, 0.25) * (0.6 + 0.6 * off**2) * _step(along, 0.03)
        _blade(chest, side, total)


def _mirror(side: int, inner: float, outer: float) -> tuple[float, float]:
    """A range of x on either side of the body, from the distances of its ends from the middle."""
    return (inner, outer) if side > 0 else (-outer, -inner)


def _blade(chest: _Chest, side: int, total: np.ndarray) -> None:
    """Add the density of a shoulder blade: a thin sheet with two thicker edges that meet at its lower tip."""
    a = chest.a
    tip_x, tip_y = a.width + 0.02, a.apex + 0.42
    box = chest.box(_mirror(side, tip_x - 0.2, tip_x + 0.35), (tip_y - 0.55, tip_y + 0.1))
    x, y = side * chest.x[box] - tip_x, chest.y[box] - tip_y
    outer = x - 0.05 + 0.42 * y  # towards the arm
    inner = x + 0.05 - 0.12 * y
    above = _step(-y, 0.06) * _step(y + 0.42, 0.1)
    sheet = _step(-outer, 0.02) * _step(inner, 0.02)
    total[box] += a.bone * above * (0.04 * sheet + 0.09 * _bell(outer, 0.016) + 0.05 * _bell(inner, 0.012))


def _head_radius(chest: _Chest) -> tuple[tuple[slice, slice], np.ndarray]:
    """Where the head lies, and there the distance from its middle, 1 at its outline."""
    chin = chest.a.head
    box = chest.box((-0.5, 0.5), (chin - 0.85, chin + 0.05))
    return box, np.hypot(chest.x[box] / 0.44, (chest.y[box] - chin + 0.40) / 0.40)


def _jaw(chest: _Chest, cloud: np.ndarray, total: np.ndarray) -> None:
    """Add the density of the jaw and the teeth, where the chin is in the picture."""
    box, r = _head_radius(chest)
    total[box] += 0.16 * _bell(r - 0.86, 0.07) + _step(0.8 - r, 0.1) * (0.08 + 0.06 * cloud[box])


def _gas(chest: _Chest, cloud: np.ndarray) -> np.ndarray:
    """Share of the density that gas in the stomach and the gut takes away."""
    a = chest.a
    gas = np.zeros_like(cloud)
    box = chest.box((-1, 1), (min(a.domes) - 0.1, 3))
    x, y, cloud = chest.x[box], chest.y[box], cloud[box]
    centre, radius, amount = a.stomach
    top = a.domes[1] - chest.pose.breath + radius + 0.06
    r = np.hypot((x - centre) / (1.5 * radius), (y - top) / radius) - 0.1 * cloud
    bubble = amount * (0.22 * _step(1 - r, 0.12) - 0.05 * _bell(r - 1.05, 0.08))
    gut = 0.12 * _step(cloud - 0.9, 0.4) * _step(y - a.domes[1] - 0.22, 0.1) * _step(0.55 - np.abs(x), 0.2)
    gas[box] = bubble + gut
    return gas


def _vessels(a: _Anatomy, frame: _Frame, rng: Generator) -> np.ndarray:
    """Density of the blood vessels, which branch from the root of either lung, thinner at every fork."""
    layers = 0.0
    side = np.repeat([-1.0, 1.0], 9)
    x = side * (0.13 + 0.02 * rng.standard_normal(18))
    y = a.heart_y - 0.2 + 0.05 * rng.standard_normal(18) + np.tile([0.02, -0.02], 9)
    angle = np.tile(np.linspace(-1.25, 1.35, 9), 2) + 0.15 * rng.standard_normal(18)
    length = rng.uniform(0.3, 0.55, 18)
    t = np.linspace(0, 1, 40)
    for width, strength in ((0.018, 0.8), (0.010, 0.42), (0.006, 0.30)):
        n = len(x)
        turn = angle[:, None] + rng.uniform(-0.5, 0.5, (n, 1)) * t
        px = x[:, None] + np.cumsum(np.cos(turn), 1) * (side * length / 40)[:, None]
        py = y[:, None] + np.cumsum(np.sin(turn), 1) * (length / 40)[:, None]
        weight = np.broadcast_to((1 - 0.75 * t) * length[:, None], px.shape)
        layers = layers + strength * frame.splat(px.ravel(), py.ravel(), weight.ravel(), width)
        fork = rng.integers(8, 36, (n, 3))
        x, y = np.take_along_axis(px, fork, 1).ravel(), np.take_along_axis(py, fork, 1).ravel()
        bend = rng.choice([-1.0, 1.0], (n, 3)) * rng.uniform(0.3, 0.8, (n, 3))
        angle = (np.take_along_axis(turn, fork, 1) + bend).ravel()
        length, side = np.repeat(length, 3) * rng.uniform(0.35, 0.6, 3 * n), np.repeat(side, 3)
    return layers


# --- disease ----------------------------------------------------------------------------------------------------------

_AIR = 0.25  # the mask ends where there is less air than this to fill, at the rims of the lungs


@dataclass(frozen=True)
class _Disease:
    """What one patient has when ill with either kind of pneumonia."""

    severity: float  # 0 to 1
    side: int  # of the consolidation: -1 the patient's right, 1 the left
    balls: np.ndarray  # (n, 3), x, y and radius of the balls that make up the consolidation
    reach: float  # how far from the roots of the lungs the interstitial pattern goes
    lungs: tuple[float, float]  # how much of it either lung has


def _draw_disease(rng: Generator, a: _Anatomy) -> _Disease:
    """The disease of one patient."""
    severity = rng.beta(2.0, 0.8)
    side = 1 if rng.random() < 0.4 else -1
    down = rng.beta(1.7, 1.2)
    x = side * rng.uniform(0.32, 0.72) * a.width * (0.6 + 0.4 * down)
    y = a.apex + (0.22 + 0.62 * down) * a.height
    spread = 0.10 + 0.05 * severity
    balls = np.stack(
        [
            x + spread * rng.standard_normal(6),
            y + spread * rng.standard_normal(6),
            rng.uniform(0.13, 0.21 + 0.22 * severity, 6),
        ],
        axis=1,
    )
    lungs = tuple(rng.uniform(0.6, 1.0, 2))
    return _Disease(severity=severity, side=side, balls=balls, reach=rng.uniform(0.4, 0.75), lungs=lungs)


def _consolidation(chest: _Chest, d: _Disease, cloud: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bacterial pneumonia: the share of the lungs' air that pus has filled (0 to 1), and where that is disease."""
    field = 0.10 * cloud - 0.45
    for x, y, radius in d.balls:
        square = np.square(chest.x - x) + np.square(chest.y - y)
        field += 0.45 * np.square(1 / (1 + square / radius**2))
    # It does not cross from one lung into the other.
    filled = _step(field, 0.4) * _step(d.side * chest.x, 0.03)
    return (0.62 + 0.36 * d.severity) * filled, filled > 0.35


def _interstitial(
    chest: _Chest, d: _Disease, cloud: np.ndarray, lines: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Viral pneumonia: haze and mesh (shares of the air), and where they are disease.

    The walls between the airways thicken all through both lungs, most about the roots.
    """
    a = chest.a
    root = np.hypot(chest.side - 0.2, 0.8 * (chest.y - a.heart_y + 0.12))
    lung = np.where(chest.right, d.lungs[0], d.lungs[1])
    weight = lung * np.clip(_bell(root, d.reach) + 0.15 * cloud, 0, 1.2)
    amount = 0.5 + 0.5 * d.severity
    mesh = np.maximum(0, 1 - 2.2 * np.abs(lines)) - 0.3
    return 0.56 * amount * weight, 0.5 * amount * weight * mesh, weight > 0.22


# --- the picture ------------------------------------------------------------------------------------------------------

# How soft the average image is and how far its blacks are raised, from the sharp, well exposed images of healthy
# training patients (0) to those of the sick (1), who cannot hold still nor come to the good machine. Healthy test
# patients went to another machine: a little softer, and without a grid against scattered rays, whose glare (added to
# everyone's) veils the lungs and raises the blacks by itself.
_SOFT = {"normal": 0.0, "shifted": 0.2, "bacteria": 1.0, "virus": 1.0}
_RAISED = {"normal": 0.0, "shifted": 0.0, "bacteria": 1.0, "virus": 1.0}
_GLARE = {"normal": 0.0, "shifted": 0.12, "bacteria": 0.0, "virus": 0.0}


@dataclass(frozen=True)
class _Scanner:
    """What the apparatus and the processing do to one view."""

    blur: float  # pixels at 224
    black: float  # grey of the background
    contrast: float
    brightness: float
    noise: float
    sharpen: float
    glare: float  # scattered rays
    edges: tuple[float, float, float, float]  # how far the shutters stand in the picture: left, right, top, bottom
    tilt: float  # of the shutters, radians
    letters: tuple[tuple[str, float, float, float], ...]  # text, x, y and height of its marks
    ink: float  # grey of the marks
    leads: int  # cables of a monitor on the chest


def _draw_scanner(rng: Generator, own: Generator, style: str) -> _Scanner:
    """The apparatus of a patient (`rng`) and the exposure of a view (`own`).

    style: a kind of patient, or "shifted". The sick lie on a ward more often: their films say A-P, and cables cross
    them.
    """
    spread = 0.28 * rng.standard_normal() + 0.1 * own.standard_normal()
    soft, raised = _SOFT[style] + spread, _RAISED[style] + spread
    sick = style in ("bacteria", "virus")
    n = rng.standard_normal(4) * 0.8 + own.standard_normal(4) * 0.5
    shutter = rng.random(4) < 0.05
    side_y, top_x = rng.uniform(-0.9, 0.6), rng.uniform(-0.95, -0.6)
    letters = [("R", -0.97 + 0.03 * rng.random(), side_y, rng.uniform(0.07, 0.10))]
    if rng.random() < 0.3:
        letters = [("R", top_x, rng.uniform(-0.97, -0.85), rng.uniform(0.07, 0.16))]
    if rng.random() < (0.12 if sick else 0.04):
        letters.append(("A-P", -0.97, letters[0][2] + 0.2, 0.09))
    if rng.random() < 0.04:
        letters.append((str(rng.choice(["KV55", "KV57", "KV65", "KV66"])), 0.8, 0.93, 0.06))
    return _Scanner(
        blur=max(0.4, 0.63 + 0.07 * soft + 0.04 * n[0]),
        black=max(0.0, 6.0 * raised + 3 * n[1] - 1.5),
        contrast=np.exp(0.02 - 0.09 * soft + 0.07 * n[2]),
        brightness=0.04 * n[3],
        noise=0.004 * np.exp(0.3 * n[0]),
        sharpen=0.56 - 0.06 * soft,
        glare=np.clip(0.025 + 0.02 * raised, 0, 0.3) + _GLARE[style],
        edges=tuple(shutter * rng.uniform(0.02, 0.12, 4)),
        tilt=0.01 * own.standard_normal(),
        letters=tuple(letters),
        ink=rng.uniform(185, 240),
        leads=int(rng.integers(1, 4)) if rng.random() < (0.10 if sick else 0.04) else 0,
    )


def _leads(s: _Scanner, frame: _Frame, rng: Generator) -> np.ndarray:
    """Density of the cables and electrodes of a monitor."""
    t = np.linspace(0, 1, 400)
    total = 0.0
    for _ in range(s.leads):
        (x0, x1, x2), (y0, y1, y2) = rng.uniform(-0.8, 0.8, 3), rng.uniform(-0.7, 0.3, 3)
        x2, y2 = rng.choice([-1.2, 1.2]), y2 + 0.8
        x = (1 - t) ** 2 * x0 + 2 * t * (1 - t) * x1 + t**2 * x2
        y = (1 - t) ** 2 * y0 + 2 * t * (1 - t) * y1 + t**2 * y2
        cable = frame.splat(x, y, np.full(400, 0.06), 0.008)
        ring = frame.splat(x0 + 0.04 * np.cos(6.2832 * t), y0 + 0.04 * np.sin(6.2832 * t), np.full(400, 0.03), 0.012)
        total = total + cable + ring
    return total


# Marks on the film, five dots wide and seven high.
_GLYPHS = {
    "R": ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"),
    "A": (".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"),
    "P": ("####.", "#...#", "#...#", "####.", "#....", "#....", "#...."),
    "-": (".....", ".....", ".....", "#####", ".....", ".....", "....."),
    "K": ("#...#", "#..#.", "#.#..", "##...", "#.#..", "#..#.", "#...#"),
    "V": ("#...#", "#...#", "#...#", "#...#", "#...#", ".#.#.", "..#.."),
    "5": ("#####", "#....", "####.", "....#", "....#", "#...#", ".###."),
    "6": (".###.", "#....", "#....", "####.", "#...#", "#...#", ".###."),
    "7": ("#####", "....#", "...#.", "..#..", "..#..", ".#...", ".#..."),
}


def _film(grey: np.ndarray, s: _Scanner) -> np.ndarray:
    """Shutters, which leave their side of the picture dark, and marks, added to grey values."""
    size = len(grey)
    centre = (np.arange(size) + 0.5) * 2 / size - 1
    x, y = centre + s.tilt * centre[:, None], centre[:, None] - s.tilt * centre
    for distance, edge in zip((1 + x, 1 - x, 1 + y, 1 - y), s.edges, strict=True):
        if edge:
            grey = s.black + (grey - s.black) * _step(distance - edge, 0.016)
    for text, left, top, height in s.letters:
        dots = np.array(
            [[dot == "#" for glyph in text for dot in _GLYPHS[glyph][row] + "."] for row in range(7)], float
        )
        tall = max(7, round(height * size / 2))
        wide = max(6 * len(text), round(tall * len(text) * 0.8))
        stamp = Image.fromarray((dots * 255).astype(np.uint8)).resize((wide, tall), Image.Resampling.BILINEAR)
        cover = ndimage.gaussian_filter(np.asarray(stamp, float) / 255, 0.6, mode="constant")
        row, col = (int(np.clip((v + 1) * size / 2, 0, size - n)) for v, n in ((top, tall), (left, wide)))
        part = grey[row : row + tall, col : col + wide]
        part += cover * np.maximum(s.ink - part, 0)
    return grey


def _expose(density: np.ndarray, s: _Scanner, rng: Generator) -> np.ndarray:
    """Grey values (size, size), float, of a density: scatter, blur, noise, sharpening and the tone curve."""
    size = len(density)
    unit = size / 224
    wide = ndimage.uniform_filter(ndimage.uniform_filter(density, int(41 * unit), mode="nearest"), int(41 * unit))
    density = density + s.glare * (wide - density)
    density = ndimage.gaussian_filter(density, s.blur * unit, truncate=3)
    grain = _cloud(rng, size, 2.0, 70.0 * unit, 0.3)
    density = density + s.noise * grain * (0.5 + density)
    near = ndimage.uniform_filter(density, max(3, int(9 * unit) | 1), mode="nearest")
    density = density + s.sharpen * (density - near)
    tone = 0.45 + s.contrast * (density - 0.45) + s.brightness * np.clip(4 * density, 0, 1)
    # Film and screen flatten towards white.
    tone = np.where(tone > 0.7, 0.7 + 0.26 * np.tanh((tone - 0.7) / 0.26), tone)
    return s.black + (255 - s.black) * np.maximum(tone, 0)


def render(
    kind: str, patient: int, view: int = 0, *, seed: int = 0, shifted: bool = False, size: int = 224
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one phantom and the mask of its disease.

    kind: "normal", "bacteria" (a focal consolidation) or "virus" (a diffuse interstitial pattern). The same patient
    has the same anatomy in each kind.
    patient, view, seed: ints from 0. The patient (with the seed) fixes anatomy and disease, the view the position,
    exposure and noise.
    shifted: draw as another hospital's scanner would, veiled by scattered rays, softer and with raised blacks.
    size: pixels along either side, 64 to 1024.

    Returns the image, uint8 (size, size), and the mask, bool (size, size), True where disease is drawn; the mask of a
    normal phantom is all False. Raises ValueError for a kind or size that it does not know, or a negative number.
    """
    _check(kind, patient, view, seed, size)
    a = _draw_anatomy(_rng(seed, patient, _ANATOMY))
    pose = _draw_pose(_rng(seed, patient, _POSE), _rng(seed, patient, _POSE, view))
    disease = _draw_disease(_rng(seed, patient, _DISEASE), a)
    density, mask = _density(a, pose, size, kind, disease, _rng(seed, patient, _CLUTTER))
    style = "shifted" if shifted else kind
    scanner = _draw_scanner(_rng(seed, patient, _SCANNER), _rng(seed, patient, _SCANNER, view), style)
    noise = _rng(seed, patient, _NOISE, view)
    if scanner.leads:
        density += _leads(scanner, _Frame(pose, size), noise)
    grey = _film(_expose(density, scanner, noise), scanner)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8), mask


def _check(kind: str, patient: int, view: int, seed: int, size: int) -> None:
    """Raise ValueError that names the argument which `render` cannot draw."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if not 64 <= size <= 1024:
        raise ValueError(f"size must be from 64 to 1024 pixels, not {size}")
    for name, value in (("patient", patient), ("view", view), ("seed", seed)):
        if value < 0:
            raise ValueError(f"{name} must not be negative, but is {value}")


def _density(
    a: _Anatomy, pose: _Pose, size: int, kind: str, d: _Disease, clutter: Generator
) -> tuple[np.ndarray, np.ndarray]:
    """All that the rays meet, added up, and the mask of the disease."""
    frame = _Frame(pose, size)
    cloud = _cloud(clutter, size, 3, 14, 1.0)
    jitter = 0.06 * clutter.standard_normal((2, 12))
    vessels = _vessels(a, frame, clutter)
    grain = _cloud(clutter, size, 16, 60, 0.5)
    lines = _cloud(clutter, size, 12, 40, 0.5) if kind == "virus" else cloud
    density, mask = np.empty((size, size)), np.zeros((size, size), bool)
    step = max(4, _BAND // size)
    for top in range(0, size, step):
        rows = slice(top, min(top + step, size))
        chest = _Chest(a, pose, frame, rows)
        air, heart = _lungs(chest)
        tissue = _tissue(chest, heart)
        left, marks, mask[rows] = _fall_ill(chest, kind, d, air, cloud[rows], lines[rows])
        bone = _ribs(chest, heart, jitter)
        _spine(chest, bone)
        _shoulders(chest, bone)
        _jaw(chest, cloud[rows], bone)
        empty = (0.64 + 0.025 * grain[rows]) * left + _gas(chest, cloud[rows])
        uneven = 0.02 * cloud[rows] + 0.007 * grain[rows]
        density[rows] = tissue * (1 - empty + uneven) + 1.9 * marks * vessels[rows] * left + bone * (tissue > 0)
    return density, mask


def _fall_ill(
    chest: _Chest, kind: str, d: _Disease, air: np.ndarray, cloud: np.ndarray, lines: np.ndarray
) -> tuple[np.ndarray, np.ndarray | float, np.ndarray | bool]:
    """What disease does to the lungs: the air that is left, how much denser the vessels look, and the mask."""
    if kind == "bacteria":
        filled, where = _consolidation(chest, d, cloud)
        return air * (1 - filled), 1.0, where & (air > _AIR)
    if kind == "virus":
        haze, mesh, where = _interstitial(chest, d, cloud, lines)
        # The walls thicken round the vessels as well.
        return np.clip(air * (1 - haze - mesh), 0, 1), 1 + 2 * haze, where & (air > _AIR)
    return air, 1.0, False


# --- the set on disk --------------------------------------------------------------------------------------------------

# How many patients of the real set have 1, 2, 3, ... images.
_IMAGES_PER_PATIENT = {
    ("train", "normal"): (1141, 13, 54),
    ("train", "bacteria"): (923, 182, 83, 46, 40, 32, 20, 12, 3, 4, 4),
    ("train", "virus"): (948, 100, 19, 7, 7, 3, 1, 1, 3),
    ("test", "normal"): (220, 1, 4),
    ("test", "bacteria"): (16, 15, 18, 11, 10, 4, 1, 1, 1),
    ("test", "virus"): (110, 14, 1, 0, 0, 0, 1),
    ("val", "normal"): (1,),
    ("val", "bacteria"): (6, 1),
    ("val", "virus"): (1,),
}
# The share of bacteria among the real set's pneumonia.
_BACTERIA = {"train": 2530 / 3875, "val": 1.0, "test": 242 / 390}
# The real set's healthy images carry two series of study numbers. For each: where the splits begin, and what is added
# to the number of a study to make the patient's number for `render` (a person's number needs nothing added).
_SERIES = {
    "IM": ({"test": 1, "train": 115}, 300_000),
    "NORMAL2-IM": ({"test": 7, "train": 383, "val": 1427}, 400_000),
}
_FEW = 100  # images for which starting processes would take longer than drawing
_STALE = 3600  # seconds after which a half-written set must belong to a run that was killed


@dataclass(frozen=True)
class _Job:
    """One image of the set: where it goes and what `render` is to draw."""

    split: str
    label: str
    stem: str
    kind: str
    patient: int
    view: int


def write(
    folder: str | Path,
    *,
    seed: int = 0,
    counts: Mapping[str, Mapping[str, int]] = COUNTS,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a set of phantoms in the layout of the real set, and return its folder.

    folder/{train,val,test}/{NORMAL,PNEUMONIA}/*.jpeg hold the images (224 x 224, 8-bit grey), with names as in the
    real set; folder/masks/{split}/{class}/<same stem>.png the masks (1 bit, white where disease is drawn);
    folder/phantom.json says which version, seed and counts made them. Unlike in the real set, a person's number
    belongs to one patient only, whatever the split and the kind. Healthy test images are drawn `shifted`.

    counts: number of images by split and class, as in COUNTS. progress: called with (done, total) now and then.

    The folder is complete or absent: it is written under another name and renamed at the end. One that already holds
    the same version, seed and counts is left as it is, an older set of phantoms is replaced. Raises FileExistsError
    if the folder holds anything else, ValueError for an unknown split or class or a negative count.
    """
    folder = Path(folder)
    counts = {split: dict(classes) for split, classes in counts.items()}
    jobs = _plan(seed, counts)
    identity = {"version": VERSION, "seed": seed, "counts": counts}
    if _holds(folder, identity):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        _write_images(partial, jobs, seed, counts, progress)
        (partial / "phantom.json").write_text(json.dumps(identity, indent=1) + "\n", encoding="utf-8")
        _swap(partial, folder, identity)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _holds(folder: Path, identity: dict) -> bool:
    """Whether a folder is this very set. Raises FileExistsError if it is anything but a set of phantoms."""
    try:
        return json.loads((folder / "phantom.json").read_text(encoding="utf-8")) == identity
    except FileNotFoundError:
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty and holds no phantoms; nothing was written") from None
        return False


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed an hour ago or more have left beside the folder."""
    for left in folder.parent.glob(f".{folder.name}.*.partial"):
        if time.time() - left.stat().st_mtime > _STALE:
            shutil.rmtree(left, ignore_errors=True)


def _swap(partial: Path, folder: Path, identity: dict) -> None:
    """Put a finished set in its place, unless another process has just put the same there."""
    if folder.exists():
        if _holds(folder, identity):
            return
        old = partial.with_name(partial.name.replace(".partial", ".old.partial"))
        folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        partial.rename(folder)


def _write_images(folder: Path, jobs: list[_Job], seed: int, counts: dict, progress) -> None:
    """Draw all jobs into a new folder; a second process draws every other one where that pays."""
    for split, classes in counts.items():
        for label in classes:
            (folder / split / label).mkdir(parents=True)
            (folder / "masks" / split / label).mkdir(parents=True)
    processes = 2 if len(jobs) >= _FEW and (os.cpu_count() or 1) > 1 else 1
    helper = _start_helper(folder, seed, counts) if processes == 2 else None
    try:
        own = jobs[::processes]
        for done, job in enumerate(own, start=1):
            _write_image(folder, seed, job)
            if progress is not None:
                progress(min(done * processes, len(jobs)), len(jobs))
        if helper is not None and helper.wait() != 0:
            raise RuntimeError(f"the second drawing process ended with status {helper.returncode}")
    finally:
        if helper is not None:
            helper.kill()
            helper.wait()


def _start_helper(folder: Path, seed: int, counts: dict) -> subprocess.Popen:
    """A process that draws every second job.

    Not `multiprocessing`: it would import the user's script again, or fork a process in which TensorFlow has threads.
    """
    here = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "pneumonia.phantom", str(folder), str(seed), json.dumps(counts)],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,  # closed when this process ends, however it ends; the helper then ends too
    )


def _help(folder: Path, seed: int, counts: dict) -> None:
    """What the second process does."""

    def end_with_parent() -> None:
        os.read(0, 1)  # not sys.stdin: a reader of it that still waits would abort this process's own end
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    for job in _plan(seed, counts)[1::2]:
        _write_image(folder, seed, job)


def _write_image(folder: Path, seed: int, job: _Job) -> None:
    """Draw one image and its mask and save both."""
    shifted = job.split == "test" and job.kind == "normal"
    image, mask = render(job.kind, job.patient, job.view, seed=seed, shifted=shifted)
    Image.fromarray(image).save(folder / job.split / job.label / f"{job.stem}.jpeg", quality=95)
    Image.fromarray(mask).save(folder / "masks" / job.split / job.label / f"{job.stem}.png")


def _plan(seed: int, counts: Mapping[str, Mapping[str, int]]) -> list[_Job]:
    """Every image of a set: its name, patient and kind."""
    for split, classes in counts.items():
        for label, n in classes.items():
            if split not in _BACTERIA or label not in ("NORMAL", "PNEUMONIA"):
                raise ValueError(f"counts names {split}/{label}, which the real set does not have")
            if n < 0:
                raise ValueError(f"counts has a negative number for {split}/{label}: {n}")
    rng = _rng(seed, 0, _PLAN)
    healthy, sick = dict.fromkeys(_SERIES, 0), [0, 0]
    jobs = []
    for split in ("test", "train", "val"):  # in the real set, too, the test split has the lowest numbers
        classes = counts.get(split, {})
        jobs += _plan_healthy(rng, split, classes.get("NORMAL", 0), healthy)
        jobs += _plan_sick(rng, split, classes.get("PNEUMONIA", 0), sick)
    return jobs


def _groups(rng: Generator, split: str, kind: str, total: int) -> list[int]:
    """Numbers of images per patient, distributed as in the real set, that add up to `total`."""
    weights = np.array(_IMAGES_PER_PATIENT[split, kind], float)
    groups = []
    while total > 0:
        n = min(total, int(rng.choice(len(weights), p=weights / weights.sum())) + 1)
        groups.append(n)
        total -= n
    return groups


def _plan_healthy(rng: Generator, split: str, total: int, last: dict[str, int]) -> list[_Job]:
    """The healthy images of a split; `last` holds the last study number of either series and is brought up to date."""
    jobs = []
    for i, n in enumerate(_groups(rng, split, "normal", total)):
        series = "NORMAL2-IM" if split == "val" or i % 2 else "IM"
        first, offset = _SERIES[series]
        study = last[series] = max(last[series] + int(rng.integers(1, 3)), first[split])
        for view in range(n):
            # The real set's names: the first image, then -0001 and -0002 of the same study.
            stem = f"{series}-{study:04d}-0001" + (f"-{view:04d}" if view else "")
            jobs.append(_Job(split, "NORMAL", stem, "normal", offset + study, view))
    return jobs


def _plan_sick(rng: Generator, split: str, total: int, last: list[int]) -> list[_Job]:
    """The images with pneumonia of a split; `last` holds the last person and image number and is brought up to date."""
    bacteria = round(_BACTERIA[split] * total)
    patients = [("bacteria", n) for n in _groups(rng, split, "bacteria", bacteria)]
    patients += [("virus", n) for n in _groups(rng, split, "virus", total - bacteria)]
    jobs = []
    for i in rng.permutation(len(patients)):
        kind, n = patients[i]
        last[0] += 1
        for view in range(n):
            last[1] += int(rng.integers(1, 4))
            jobs.append(_Job(split, "PNEUMONIA", f"person{last[0]}_{kind}_{last[1]}", kind, last[0], view))
    return jobs


if __name__ == "__main__":
    _help(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
