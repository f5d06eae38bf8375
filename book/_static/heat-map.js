// The heat-map explorer: a map of evidence over a phantom. The reader chooses how much of the map is called "where it
// looked", and sees how much of that lies where the disease was drawn.

for (const { place, data } of MovingFigures.places("heat-map")) {
  const { element, slider, radios } = MovingFigures;
  const { size } = data;
  const PIXELS = size * size;

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const bits = (text) => Uint8Array.from({ length: PIXELS }, ((packed) => (_, i) => (packed[i >> 3] >> (7 - (i & 7))) & 1)(bytes(text)));
  const phantoms = data.phantoms.map((phantom) => ({ ...phantom, grey: bytes(phantom.image), inside: bits(phantom.mask) }));

  const which = radios({
    label: "Phantom", name: "heat-map-phantom", onChange: draw,
    options: phantoms.map(({ title }, i) => [String(i), title]),
  });
  const model = radios({
    label: "Map of", name: "heat-map-model", onChange: draw,
    options: Object.entries(data.models),
  });
  const area = slider({
    label: "Show the map's brightest part", id: "heat-map-area", min: 1, max: 100, step: 1, value: 12,
    format: (n) => `${n}% of the image`, onInput: draw,
  });
  const opacity = slider({
    label: "Opacity", id: "heat-map-opacity", min: 0, max: 100, step: 5, value: 60,
    format: (n) => `${n}%`, onInput: draw,
  });
  const outline = radios({
    label: "Where the disease was drawn", name: "heat-map-outline", onChange: draw,
    options: [["hide", "hide it"], ["show", "show it"]],
  });

  // --- numbers

  // The coarse map, n x n, at every pixel: bilinear, as TensorFlow resizes.
  function enlarged(coarse) {
    const n = coarse.length;
    const at = Array.from({ length: size }, (_, i) => Math.min(Math.max(((i + 0.5) * n) / size - 0.5, 0), n - 1));
    const whole = new Float64Array(PIXELS);
    for (let row = 0; row < size; row += 1) {
      const [top, down] = [Math.floor(at[row]), at[row] % 1];
      const below = Math.min(top + 1, n - 1);
      for (let column = 0; column < size; column += 1) {
        const [left, across] = [Math.floor(at[column]), at[column] % 1];
        const beside = Math.min(left + 1, n - 1);
        const upper = coarse[top][left] * (1 - across) + coarse[top][beside] * across;
        const lower = coarse[below][left] * (1 - across) + coarse[below][beside] * across;
        whole[row * size + column] = upper * (1 - down) + lower * down;
      }
    }
    return whole;
  }

  const known = new Map();
  function prepared() {
    const key = `${which.value} ${model.value}`;
    if (!known.has(key)) {
      const map = enlarged(phantoms[which.value].maps[model.value]);
      const order = Array.from({ length: PIXELS }, (_, i) => i).filter((i) => map[i] > 0).sort((a, b) => map[b] - map[a]);
      known.set(key, { map, order });
    }
    return known.get(key);
  }

  const count = (indices, inside) => indices.reduce((sum, i) => sum + inside[i], 0);

  function state() {
    const { map, order } = prepared();
    const { inside } = phantoms[which.value];
    const region = order.slice(0, Math.round((area.value / 100) * PIXELS));
    const diseased = inside.reduce((a, b) => a + b, 0);
    const hit = count(region, inside);
    return {
      region, map,
      weight: order.reduce((sum, i) => sum + map[i] * inside[i], 0) / order.reduce((sum, i) => sum + map[i], 0),
      share: hit / region.length,
      overlap: hit / (region.length + diseased - hit),
      chance: diseased / PIXELS,
      peak: order.length > 0 && inside[order[0]] === 1,
    };
  }

  // --- drawing

  const canvas = element("canvas", { role: "img", width: size, height: size, class: "smooth",
    "aria-label": "A phantom X-ray, and over it the brightest part of the map in orange." });
  const NAMES = {
    weight: "Of the map's weight, on the disease",
    share: "Of the part shown, on the disease",
    chance: "The disease's share of the image (by chance)",
    overlap: "Intersection over union of part and disease",
    peak: "Highest point of the map (pointing game)",
  };
  const shown = Object.fromEntries(Object.keys(NAMES).map((name) => [name, element("dd", { class: name })]));
  const list = element("dl", { class: "rates" },
    ...Object.entries(NAMES).flatMap(([name, text]) => [element("dt", {}, text), shown[name]]));
  const status = element("p", { class: "moving-figure-status", role: "status" });

  function draw() {
    const { grey, inside } = phantoms[which.value];
    const now = state();
    const pen = canvas.getContext("2d");
    const picture = pen.createImageData(size, size);
    const paint = (i, [r, g, b], alpha) => [r, g, b].forEach((value, channel) => {
      picture.data[4 * i + channel] = alpha * value + (1 - alpha) * picture.data[4 * i + channel];
    });
    grey.forEach((value, i) => picture.data.set([value, value, value, 255], 4 * i));
    const highest = now.region.length ? now.map[now.region[0]] : 1;
    for (const i of now.region) {
      const heat = now.map[i] / highest;
      paint(i, [255, 90 + 150 * heat, 20 + 60 * heat], (opacity.value / 100) * (0.35 + 0.65 * heat));
    }
    if (outline.value === "show") {
      inside.forEach((value, i) => {
        const edge = value && [i - 1, i + 1, i - size, i + size].some((beside) => !inside[beside]);
        if (edge) paint(i, [86, 180, 233], 1);
      });
    }
    pen.putImageData(picture, 0, 0);
    for (const name of ["weight", "share", "chance", "overlap"]) shown[name].textContent = now[name].toFixed(2);
    shown.peak.textContent = now.peak ? "on the disease" : "beside it";
    status.textContent = `Of the part shown, ${(100 * now.share).toFixed(0)} of 100 pixels lie on the disease; ` +
      `by chance it would be ${(100 * now.chance).toFixed(0)}.`;
  }

  place.append(
    element("div", { class: "controls" }, which.row, model.row, area.row, opacity.row, outline.row),
    element("div", { class: "panels" }, canvas, list),
    status);
  draw();
}
