// The threshold and prevalence explorer: scores, confusion matrix, rates, predictive values, cost and ROC point move
// together. Scores are log-odds; the data are those of the reference head on real images.

for (const { place, data } of MovingFigures.places("thresholds")) {
  const { element, slider, radios } = MovingFigures;
  const [LOW, HIGH, STEP] = [-10, 20, 0.5]; // log-odds that the slider reaches
  const CHILDREN = 1000;

  const probability = (logOdds) => 1 / (1 + Math.exp(-logOdds));
  const asProbability = (logOdds) => {
    const p = probability(logOdds);
    if (p < 0.001) return "below 0.001";
    return p > 0.999 ? "above 0.999" : p.toFixed(3);
  };
  const shareAbove = (scores, threshold) => scores.filter((score) => score >= threshold).length / scores.length;

  const split = radios({
    label: "Scores of the reference head on",
    name: "thresholds-split",
    options: [["validation", "validation images"], ["test", "test images"]],
    onChange: update,
  });
  const threshold = slider({
    label: "Threshold (a probability)", id: "thresholds-threshold", min: LOW, max: HIGH, step: STEP, value: 0,
    format: asProbability, onInput: update,
  });
  const prevalence = slider({
    label: "Prevalence: of 100 children, ill are", id: "thresholds-prevalence", min: 1, max: 99, step: 1, value: 50,
    format: (n) => `${n}`, onInput: update,
  });
  const price = slider({
    label: "One missed child costs as much as", id: "thresholds-price", min: 1, max: 50, step: 1, value: 1,
    format: (n) => (n === 1 ? "1 false alarm" : `${n} false alarms`), onInput: update,
  });
  const cheapest = element("button", { type: "button" }, "Go to the cheapest threshold");
  cheapest.addEventListener("click", () => {
    threshold.value = cheapestThreshold();
    update();
  });

  // --- numbers

  function state(at = threshold.value) {
    const { healthy, ill } = data[split.value];
    const recall = shareAbove(ill, at);
    const specificity = 1 - shareAbove(healthy, at);
    const nIll = Math.round((CHILDREN * prevalence.value) / 100);
    const tp = Math.round(nIll * recall);
    const tn = Math.round((CHILDREN - nIll) * specificity);
    const [fn, fp] = [nIll - tp, CHILDREN - nIll - tn];
    const share = prevalence.value / 100;
    const found = share * recall;
    const alarmed = (1 - share) * (1 - specificity);
    const cleared = (1 - share) * specificity;
    const missed = share * (1 - recall);
    return {
      recall, specificity, tp, tn, fn, fp,
      ppv: found + alarmed > 0 ? found / (found + alarmed) : NaN,
      npv: cleared + missed > 0 ? cleared / (cleared + missed) : NaN,
      cost: CHILDREN * (alarmed + price.value * missed),
    };
  }

  function cheapestThreshold() {
    const steps = Array.from({ length: (HIGH - LOW) / STEP + 1 }, (_, i) => LOW + i * STEP);
    return steps.reduce((best, at) => (state(at).cost < state(best).cost ? at : best));
  }

  // --- table and rates

  const counts = Object.fromEntries(["tn", "fp", "fn", "tp"].map((name) => [name, element("td", { class: name })]));
  const table = element("table", { class: "confusion" },
    element("caption", {}, "Of 1,000 children"),
    element("thead", {}, element("tr", {}, element("td"), element("th", { scope: "col" }, "called NORMAL"),
      element("th", { scope: "col" }, "called PNEUMONIA"))),
    element("tbody", {},
      element("tr", {}, element("th", { scope: "row" }, "healthy"), counts.tn, counts.fp),
      element("tr", {}, element("th", { scope: "row" }, "ill"), counts.fn, counts.tp)));
  const rates = Object.fromEntries(["recall", "specificity", "ppv", "npv", "cost"].map((n) => [n, element("dd", { class: n })]));
  const list = element("dl", { class: "rates" },
    element("dt", {}, "Recall: of the ill, found"), rates.recall,
    element("dt", {}, "Specificity: of the healthy, left alone"), rates.specificity,
    element("dt", {}, "Positive predictive value: of those called ill, ill"), rates.ppv,
    element("dt", {}, "Negative predictive value: of those called healthy, healthy"), rates.npv,
    element("dt", {}, "Cost, in false alarms for 1,000 children"), rates.cost);
  const status = element("p", { class: "moving-figure-status", role: "status" });

  // --- drawings: histograms of both classes on the scale of log-odds, and the ROC curve

  const [WIDTH, ROW, LEFT] = [420, 64, 6];
  const x = (logOdds) => LEFT + ((Math.min(Math.max(logOdds, LOW), HIGH) - LOW) / (HIGH - LOW)) * (WIDTH - 2 * LEFT);
  const bars = element("g");
  const cut = element("line", { class: "cut", y1: 4, y2: 2 * ROW + 24 });
  const ticks = [[-6.9068, "0.001"], [0, "0.5"], [6.9068, "0.999"], [13.8155, "0.999999"]].map(([at, text]) =>
    element("text", { x: x(at), y: 2 * ROW + 42, "text-anchor": "middle" }, text));
  const histogram = element("svg", { viewBox: `0 0 ${WIDTH} ${2 * ROW + 66}`, role: "img",
    "aria-label": "Histograms of the scores: the healthy above, the ill below, and the threshold as a line." },
    bars, cut, ...ticks,
    element("text", { x: LEFT, y: 16 }, "healthy"), element("text", { x: LEFT, y: ROW + 36 }, "ill"),
    element("text", { x: WIDTH / 2, y: 2 * ROW + 60, "text-anchor": "middle" }, "probability of PNEUMONIA, scaled by log-odds"));

  const SIDE = 200;
  const curve = element("path", { class: "curve" });
  const point = element("circle", { class: "point", r: 7 });
  const roc = element("svg", { viewBox: `-34 -8 ${SIDE + 46} ${SIDE + 48}`, role: "img",
    "aria-label": "The ROC curve, with a dot at the threshold." },
    element("rect", { class: "frame", x: 0, y: 0, width: SIDE, height: SIDE }),
    element("path", { class: "chance", d: `M0 ${SIDE} L${SIDE} 0` }), curve, point,
    element("text", { x: SIDE / 2, y: SIDE + 32, "text-anchor": "middle" }, "1 - specificity"),
    element("text", { x: -SIDE / 2, y: -18, "text-anchor": "middle", transform: "rotate(-90)" }, "recall"),
    element("text", { x: 0, y: SIDE + 14 }, "0"), element("text", { x: SIDE, y: SIDE + 14, "text-anchor": "end" }, "1"));

  function drawSplit() {
    const { healthy, ill } = data[split.value];
    bars.replaceChildren();
    [[healthy, ROW, "healthy"], [ill, 2 * ROW + 20, "ill"]].forEach(([scores, floor, name]) => {
      for (let at = LOW; at < HIGH; at += 1) {
        const inside = scores.filter((s) => Math.floor(Math.min(Math.max(s, LOW), HIGH - 0.01)) === at).length;
        const height = Math.sqrt(inside / scores.length) * (ROW - 8); // the root, so that rare scores are seen
        bars.append(element("rect", { class: name, x: x(at), y: floor - height, height, width: x(at + 1) - x(at) - 1 }));
      }
    });
    const all = [...healthy, ...ill].sort((a, b) => b - a);
    const steps = all.map((at) => `L${(shareAbove(healthy, at) * SIDE).toFixed(1)} ${((1 - shareAbove(ill, at)) * SIDE).toFixed(1)}`);
    curve.setAttribute("d", `M0 ${SIDE} ${[...new Set(steps)].join(" ")}`);
  }

  // --- all together

  let drawn = null;
  function update() {
    if (drawn !== split.value) drawSplit();
    drawn = split.value;
    const now = state();
    for (const name of ["tn", "fp", "fn", "tp"]) counts[name].textContent = now[name];
    for (const name of ["recall", "specificity", "ppv", "npv"]) {
      rates[name].textContent = Number.isNaN(now[name]) ? "nobody is called so" : now[name].toFixed(3);
    }
    rates.cost.textContent = now.cost.toFixed(0);
    cut.setAttribute("x1", x(threshold.value));
    cut.setAttribute("x2", x(threshold.value));
    point.setAttribute("cx", (1 - now.specificity) * SIDE);
    point.setAttribute("cy", (1 - now.recall) * SIDE);
    status.textContent = `Of 1,000 children, ${now.fn} ill ones are missed and ${now.fp} healthy ones alarmed.`;
  }

  place.append(
    element("div", { class: "controls" }, split.row, threshold.row, prevalence.row, price.row, cheapest),
    element("div", { class: "panels" }, histogram, roc),
    element("div", { class: "panels" }, table, list),
    status);
  update();
}
