// What is wider than its place scrolls inside itself. A faded edge says on which side there is more.

const WIDE = ":is(.pst-scrollable-table-container, .cell_output > .output, .highlight pre, .math.display)";

for (const box of document.querySelectorAll(`.bd-article ${WIDE}`)) {
  const mark = () => {
    box.classList.toggle("more-left", box.scrollLeft > 1);
    box.classList.toggle("more-right", box.scrollLeft < box.scrollWidth - box.clientWidth - 1);
  };
  box.addEventListener("scroll", mark, { passive: true });
  new ResizeObserver(mark).observe(box);
}
