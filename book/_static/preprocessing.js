// The wipe: one phantom, prepared in two ways, and a divider between them. To its left stands the one preparation, to its
// right the other, with the numbers that a network would get from each.

for (const { place, data } of MovingFigures.places("preprocessing")) {
  const { element, slider, radios } = MovingFigures;
  const options = Object.entries(data).map(([name, way]) => [name, way.title]);
  const SIDES = { left: "plain", right: "equalised" }; // what is shown first

  const choice = (side) => radios({
    label: `On the ${side}`, name: `preprocessing-${side}`, options, value: SIDES[side], onChange: draw,
  });
  const [left, right] = [choice("left"), choice("right")];
  const divider = slider({
    label: "Divider, from the left", id: "preprocessing-divider", min: 0, max: 100, step: 1, value: 50,
    format: (n) => `${n} of 100`, onInput: draw,
  });

  const under = element("img", { class: "right", draggable: "false" });
  const over = element("img", { class: "left", draggable: "false" });
  const line = element("span", { class: "divider" });
  const wipe = element("div", { class: "wipe" }, under, over, line);

  const NAMES = { smallest: "smallest number", largest: "largest number", mean: "mean", sharpness: "sharpness of the picture" };
  const cells = Object.fromEntries(Object.keys(NAMES).map((key) =>
    [key, { left: element("td", { class: `left ${key}` }), right: element("td", { class: `right ${key}` }) }]));
  const heads = { left: element("th", { scope: "col" }), right: element("th", { scope: "col" }) };
  const table = element("table", { class: "numbers" },
    element("caption", {}, "What the network gets"),
    element("thead", {}, element("tr", {}, element("td"), heads.left, heads.right)),
    element("tbody", {}, ...Object.entries(NAMES).map(([key, text]) =>
      element("tr", {}, element("th", { scope: "row" }, text), cells[key].left, cells[key].right))));
  const status = element("p", { class: "moving-figure-status", role: "status" });

  function draw() {
    for (const [side, picture, chosen] of [["left", over, left], ["right", under, right]]) {
      const way = data[chosen.value];
      if (picture.getAttribute("src") !== way.picture) picture.src = way.picture;
      picture.alt = `The phantom, ${way.title}.`;
      heads[side].textContent = way.title;
      for (const key of Object.keys(NAMES)) cells[key][side].textContent = way[key].toFixed(2);
    }
    over.style.clipPath = `inset(0 ${100 - divider.value}% 0 0)`;
    line.style.left = `${divider.value}%`;
    const same = data[left.value].picture === data[right.value].picture;
    status.textContent = `${data[left.value].title} | ${data[right.value].title}` +
      (left.value !== right.value && same ? ": the same picture, other numbers" : "");
  }

  function drag(event) {
    if (event.buttons !== 1) return;
    const box = wipe.getBoundingClientRect();
    divider.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    draw();
  }
  wipe.addEventListener("pointerdown", (event) => {
    wipe.setPointerCapture(event.pointerId); // a drag goes on outside the picture
    drag(event);
  });
  wipe.addEventListener("pointermove", drag);

  place.append(
    element("div", { class: "controls" }, left.row, right.row, divider.row),
    element("div", { class: "panels" }, wipe, table),
    status);
  draw();
}
