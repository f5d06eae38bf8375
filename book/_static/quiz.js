// Quick questions: count the answers that a reader opens, and say how it went. The answers themselves are <details>
// elements, which need no script.

for (const question of document.querySelectorAll(".quick-question")) {
  const status = question.querySelector(".quick-question-status");
  const opened = new Set();
  for (const choice of question.querySelectorAll("details.choice")) {
    choice.querySelector("summary").addEventListener("click", () => {
      if (choice.open || opened.has(choice) || question.dataset.solved) return; // it is about to close, or was counted
      opened.add(choice);
      if (choice.classList.contains("right")) {
        question.dataset.solved = "yes";
        status.textContent = opened.size === 1 ? "Right at the first try." : `Right at try ${opened.size}.`;
      } else {
        status.textContent = "Not right. Read why, and pick another answer.";
      }
    });
  }
}

// On paper nobody can open an answer.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details.choice:not([open])")];
  for (const choice of closed) choice.open = true;
});
addEventListener("afterprint", () => {
  for (const choice of closed) choice.open = false;
});
