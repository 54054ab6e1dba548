"use strict";
(() => {
  const boxes = [...document.querySelectorAll("[data-plot]")];
  const settings = { displayModeBar: false, responsive: true, showTips: false };
  for (const box of boxes) {
    const figure = JSON.parse(document.getElementById(box.dataset.plot).textContent);
    Plotly.newPlot(box, figure.data, figure.layout, settings);
  }
  // A page of paper is narrower than the window, and plots do not follow it by themselves.
  const paper = (box) => ({ autosize: false, width: box.closest(".wide") ? 660 : 310 });
  const screen = () => ({ autosize: true, width: null });
  const resize = (size) => boxes.forEach((box) => Plotly.relayout(box, size(box)));
  window.addEventListener("beforeprint", () => resize(paper));
  window.addEventListener("afterprint", () => resize(screen));
})();
