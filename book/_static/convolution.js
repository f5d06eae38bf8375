// The convolution stepper: a kernel goes over a small phantom place by place; the window, its products with the kernel
// and their sum are shown, and the output fills up in reading order.

for (const { place, data } of MovingFigures.places("convolution")) {
  const { element, slider, radios } = MovingFigures;
  const KERNELS = {
    vertical: ["upright edges", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]],
    horizontal: ["level edges", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]],
    mean: ["mean (weights 1, sum divided by 9)", [[1, 1, 1], [1, 1, 1], [1, 1, 1]]],
    sharpen: ["sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]],
  };
  const DIVISOR = { mean: 9 };
  const SIZE = 3;
  const CELL = 10; // pixels on the canvas for one of the image

  let padded = []; // the image with its padding
  let output = []; // the feature map, computed whole, shown up to the present place
  const side = () => output.length;

  const radio = (label, name, options) => radios({ label, name: `convolution-${name}`, options, onChange: start });
  const kernel = radio("Kernel", "kernel", Object.entries(KERNELS).map(([key, [text]]) => [key, text]));
  const stride = radio("Stride", "stride", [["1", "1"], ["2", "2"]]);
  const padding = radio("Padding", "padding", [["0", "0"], ["1", "1"]]);
  const at = slider({
    label: "Place", id: "convolution-place", min: 0, max: 1, step: 1, value: 0,
    format: (n) => (side() ? `row ${Math.floor(n / side()) + 1}, column ${(n % side()) + 1}` : ""), onInput: draw,
  });
  const button = (text, move) => {
    const made = element("button", { type: "button" }, text);
    made.addEventListener("click", () => {
      at.value = move(at.value);
      draw();
    });
    return made;
  };
  const buttons = element("div", {}, button("Back", (n) => n - 1), button("Step", (n) => n + 1),
    button("To the end", () => side() ** 2 - 1), button("To the start", () => 0));

  // --- numbers

  function start() {
    const p = Number(padding.value);
    const n = data.image.length + 2 * p;
    padded = Array.from({ length: n }, (_, r) => Array.from({ length: n }, (_, c) => data.image[r - p]?.[c - p] ?? 0));
    const s = Number(stride.value);
    const places = Math.floor((n - SIZE) / s) + 1;
    output = Array.from({ length: places }, (_, r) => Array.from({ length: places }, (_, c) => sum(products(r * s, c * s))));
    at.input.max = places ** 2 - 1;
    at.value = 0;
    draw();
  }

  const window = (top, left) => padded.slice(top, top + SIZE).map((row) => row.slice(left, left + SIZE));
  const weights = () => KERNELS[kernel.value][1];
  const products = (top, left) => window(top, left).map((row, r) => row.map((value, c) => value * weights()[r][c]));
  const sum = (table) => table.flat().reduce((a, b) => a + b, 0) / (DIVISOR[kernel.value] ?? 1);

  // --- drawing

  const canvas = (label) => element("canvas", { role: "img", "aria-label": label });
  const input = canvas("A small phantom X-ray, and on it the window under the kernel.");
  const result = canvas("The output of the convolution, filled up to the present place.");
  const tables = ["window", "kernel", "products"].map((name) => element("table", { class: `grid ${name}` }));
  const status = element("p", { class: "moving-figure-status", role: "status" });

  function paint(target, grid, grey, [row, column, span], known = Infinity) {
    const n = grid.length;
    target.width = target.height = n * CELL;
    const pen = target.getContext("2d");
    grid.flat().forEach((value, i) => {
      const shade = Math.round(grey(value));
      pen.fillStyle = i <= known ? `rgb(${shade} ${shade} ${shade})` : "#56606a";
      pen.fillRect((i % n) * CELL, Math.floor(i / n) * CELL, CELL, CELL);
    });
    pen.strokeStyle = "#e69f00";
    pen.lineWidth = 3;
    pen.strokeRect(column * CELL, row * CELL, span * CELL, span * CELL);
  }

  function fill(table, caption, numbers) {
    table.replaceChildren(element("caption", {}, caption),
      element("tbody", {}, ...numbers.map((row) => element("tr", {}, ...row.map((n) => element("td", {}, String(n)))))));
  }

  function draw() {
    const [row, column] = [Math.floor(at.value / side()), at.value % side()];
    const [top, left] = [row * Number(stride.value), column * Number(stride.value)];
    const [low, high] = [Math.min(...output.flat()), Math.max(...output.flat())];
    paint(input, padded, (v) => v, [top, left, SIZE]);
    paint(result, output, (v) => (255 * (v - low)) / (high - low), [row, column, 1], at.value);
    fill(tables[0], "window", window(top, left));
    fill(tables[1], "kernel", weights());
    fill(tables[2], "products", products(top, left));
    const value = Math.round(output[row][column] * 10) / 10;
    status.textContent = `Output ${side()} x ${side()}; in row ${row + 1}, column ${column + 1}: ${value}`;
  }

  input.addEventListener("click", (event) => {
    const box = input.getBoundingClientRect();
    const pixel = (offset, length) => Math.floor((offset / length) * padded.length) - 1; // the window's middle
    const index = (p) => Math.min(Math.max(Math.round(p / Number(stride.value)), 0), side() - 1);
    const [r, c] = [pixel(event.clientY - box.top, box.height), pixel(event.clientX - box.left, box.width)].map(index);
    at.value = r * side() + c;
    draw();
  });

  place.append(
    element("div", { class: "controls" }, kernel.row, element("div", { class: "panels" }, stride.row, padding.row),
      at.row, buttons),
    element("div", { class: "panels" }, input, result),
    element("div", { class: "panels" }, ...tables),
    status);
  start();
}
