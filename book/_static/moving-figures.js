// What all figures that move share: making elements, sliders with a label and a value, and finding their data.

const MovingFigures = {
  // All places on the page for a figure, each with its data.
  places(name) {
    return [...document.querySelectorAll(`.moving-figure[data-figure="${name}"]`)].map((place) => {
      document.documentElement.classList.add("figures-move"); // hides the still picture on the screen
      return { place, data: JSON.parse(place.querySelector("script").textContent) };
    });
  },

  element(name, attributes = {}, ...children) {
    const isSvg = ["svg", "g", "path", "rect", "line", "circle", "text"].includes(name);
    const made = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  },

  // A labelled range input. `format` turns its number into the text that stands beside it and that is read aloud.
  slider({ label, id, min, max, step, value, format, onInput }) {
    const { element } = MovingFigures;
    const input = element("input", { type: "range", id, min, max, step, value });
    const output = element("output", { for: id });
    const show = () => {
      output.textContent = format(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => {
      show();
      onInput();
    });
    show();
    const row = element("div", { class: "slider" }, element("label", { for: id }, label), input, output);
    return { row, get value() { return Number(input.value); }, set value(v) { input.value = v; show(); }, input };
  },

  // Radio buttons in a group with a name; the first is chosen unless `value` says another.
  radios({ label, name, options, value = options[0][0], onChange }) {
    const { element } = MovingFigures;
    const group = element("fieldset", { class: "radios" }, element("legend", {}, label));
    options.forEach(([key, text]) => {
      const input = element("input", { type: "radio", name, value: key, id: `${name}-${key}` });
      input.checked = key === value;
      input.addEventListener("change", onChange);
      group.append(element("label", { for: input.id }, input, ` ${text}`));
    });
    return { row: group, get value() { return group.querySelector("input:checked").value; } };
  },
};
