// The learning-curve explorer: recorded trainings by epoch, with the point at which training stops, and scores by the
// number of training images. A line is moved along the curves, and the steps between them are shown as numbers.

for (const { place, data } of MovingFigures.places("histories")) {
  const { element, slider, radios } = MovingFigures;
  const TITLES = { loss: "loss", auc: "AUC", accuracy: "accuracy", recall: "recall", specificity: "specificity" };
  const titled = (names) => names.map((name) => [name, TITLES[name]]);
  const SPLITS = ["training", "validation", "test"];

  const view = radios({
    label: "Along the axis", name: "histories-view", onChange: restart,
    options: [["epochs", "epochs of one training"], ["images", "number of training images"]],
  });
  const seed = radios({
    label: "Training with seed", name: "histories-seed", onChange: restart,
    options: data.runs.map((run, i) => [String(i), String(run.seed)]),
  });
  const byEpoch = radios({
    label: "Curve", name: "histories-epochs", onChange: draw, options: titled(["loss", "auc", "accuracy"]),
  });
  const bySize = radios({
    label: "Curve", name: "histories-images", onChange: draw, options: titled(["auc", "accuracy", "recall", "specificity"]),
  });
  const run = () => data.runs[seed.value];
  const steps = () => (view.value === "epochs" ? run().loss.length : data.sizes.length);
  const best = (losses) => losses.indexOf(Math.min(...losses));
  const metric = () => (view.value === "epochs" ? byEpoch.value : bySize.value);
  const at = slider({
    label: "Epoch", id: "histories-at", min: 1, max: 2, step: 1, value: 1, onInput: draw,
    format: (n) => (view.value === "epochs" ? `${n} of ${steps()}` : `${data.sizes[n - 1].images.toLocaleString("en")} images`),
  });
  const kept = element("button", { type: "button" }, "Go to the epoch that was kept");
  kept.addEventListener("click", () => {
    at.value = best(run().val_loss) + 1;
    draw();
  });

  // --- numbers

  // Values by split; on test by epoch there is one only, since test was looked at once, with the weights that were kept.
  function curves() {
    if (view.value === "images") {
      return Object.fromEntries(SPLITS.map((split) => [split, data.sizes.map((row) => row[split][metric()])]));
    }
    const test = run().loss.map((_, i) => (i === best(run().val_loss) ? run().test[metric()] : undefined));
    return { training: run()[metric()], validation: run()[`val_${metric()}`], test };
  }

  // --- drawing

  const [WIDTH, HEIGHT, LEFT, BOTTOM] = [400, 210, 44, 34];
  const lines = Object.fromEntries(SPLITS.map((split) => [split, element("path", { class: `line ${split}` })]));
  const dots = Object.fromEntries(SPLITS.map((split) => [split, element("circle", { class: `dot ${split}`, r: 5 })]));
  const cursor = element("line", { class: "cut", y1: 8, y2: HEIGHT });
  const stop = element("line", { class: "stop", y1: 8, y2: HEIGHT });
  const ticks = element("g");
  const title = element("text", { x: WIDTH / 2 + LEFT / 2, y: HEIGHT + BOTTOM - 2, "text-anchor": "middle" });
  const plot = element("svg", { viewBox: `0 0 ${WIDTH + 10} ${HEIGHT + BOTTOM + 4}`, role: "img", class: "curves" },
    element("rect", { class: "frame", x: LEFT, y: 8, width: WIDTH - LEFT, height: HEIGHT - 8 }),
    ticks, stop, cursor, ...Object.values(lines), ...Object.values(dots), title);
  const rates = Object.fromEntries([...SPLITS, "first", "second"].map((name) => [name, element("dd", { class: name })]));
  const swatch = (split) => element("svg", { class: "swatch", viewBox: "0 0 30 10", "aria-hidden": "true" },
    element("path", { class: `line ${split}`, d: "M0 5 L30 5" }));
  const list = element("dl", { class: "rates" },
    ...SPLITS.flatMap((split) => [element("dt", {}, swatch(split), ` ${split}`), rates[split]]),
    element("dt", {}, "Step from training to validation"), rates.first,
    element("dt", {}, "Step from validation to test"), rates.second);
  const status = element("p", { class: "moving-figure-status", role: "status" });

  // Places along the axis: epochs evenly, numbers of images by their logarithm.
  function x(i) {
    const last = steps() - 1;
    const value = (j) => (view.value === "epochs" ? j : Math.log(data.sizes[j].images));
    const share = last ? (value(i) - value(0)) / (value(last) - value(0)) : 0;
    return LEFT + 10 + share * (WIDTH - LEFT - 20);
  }

  function scale(values) {
    const known = Object.values(values).flat().filter((v) => v !== undefined);
    const low = metric() === "loss" ? 0 : Math.floor(Math.min(...known) * 10) / 10;
    const high = metric() === "loss" ? Math.ceil(Math.max(...known) * 10) / 10 : 1;
    return { low, high, y: (v) => HEIGHT - 8 - ((v - low) / (high - low)) * (HEIGHT - 24) };
  }

  function drawTicks({ low, high, y }) {
    const marks = [low, (low + high) / 2, high].map((v) =>
      element("text", { x: LEFT - 6, y: y(v) + 4, "text-anchor": "end" }, v.toFixed(2)));
    const labels = Array.from({ length: steps() }, (_, i) => i)
      .filter((i) => view.value === "images" || i === 0 || i === steps() - 1 || i === best(run().val_loss))
      .map((i) => element("text", { x: x(i), y: HEIGHT + 15, "text-anchor": "middle" },
        String(view.value === "epochs" ? i + 1 : data.sizes[i].images)));
    ticks.replaceChildren(...marks, ...labels);
  }

  const number = (value) => (value === undefined ? "not measured" : value.toFixed(3));
  const step = (a, b) => (a === undefined || b === undefined ? "not measured" : Math.abs(a - b).toFixed(3));

  function told(i) {
    if (view.value === "images") return `With ${data.sizes[i].images.toLocaleString("en")} training images, means over the seeds.`;
    const before = best(run().val_loss.slice(0, i + 1));
    const waited = i - before;
    const patience = waited >= data.patience ? "training stops here"
      : `${data.patience - waited} more without a lower one, and training stops`;
    return `The lowest validation loss so far is that of epoch ${before + 1}; ${patience}.`;
  }

  function draw() {
    const i = at.value - 1;
    const values = curves();
    const scaled = scale(values);
    drawTicks(scaled);
    for (const split of SPLITS) {
      const points = values[split].map((v, j) => [x(j), v]).filter(([, v]) => v !== undefined);
      lines[split].setAttribute("d", points.map(([px, v], j) => `${j ? "L" : "M"}${px.toFixed(1)} ${scaled.y(v).toFixed(1)}`).join(" "));
      const here = view.value === "epochs" && split === "test" ? best(run().val_loss) : i;
      dots[split].setAttribute("cx", x(here));
      dots[split].setAttribute("cy", scaled.y(values[split][here]));
      rates[split].textContent = number(values[split][i]);
    }
    rates.first.textContent = step(values.training[i], values.validation[i]);
    rates.second.textContent = step(values.validation[i], values.test[i]);
    for (const mark of ["x1", "x2"]) {
      cursor.setAttribute(mark, x(i));
      if (view.value === "epochs") stop.setAttribute(mark, x(best(run().val_loss)));
    }
    title.textContent = view.value === "epochs" ? "epoch; dotted, the one whose weights were kept" : "training images, on a logarithmic axis";
    plot.setAttribute("aria-label", `${TITLES[metric()]} on training, validation and test, and a line at the chosen place.`);
    status.textContent = told(i);
  }

  function restart() {
    const epochs = view.value === "epochs";
    for (const [part, isShown] of [[seed.row, epochs], [byEpoch.row, epochs], [kept, epochs], [bySize.row, !epochs], [stop, epochs]]) {
      part.toggleAttribute("hidden", !isShown);
    }
    at.row.querySelector("label").textContent = epochs ? "Epoch" : "Training images";
    at.input.max = steps();
    at.value = epochs ? 1 : steps();
    draw();
  }

  place.append(
    element("div", { class: "controls" }, view.row, seed.row, byEpoch.row, bySize.row, at.row, kept),
    element("div", { class: "panels" }, plot, list),
    status);
  restart();
}
