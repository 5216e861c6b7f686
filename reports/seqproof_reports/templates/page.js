"use strict";
document.documentElement.classList.add("js");
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "selected";
    }
    setTimeout(() => { button.textContent = "copy"; }, 1600);
  });
}
const figure = document.querySelector(".figure");
const now = document.querySelector(".now");
if (figure && now) {
  const marked = [...document.querySelectorAll("[data-step]")];
  const steps = document.querySelectorAll("tbody [data-step]").length;
  const names = [...document.querySelectorAll(".trace th")].map((cell) => cell.textContent);
  let current = -1;
  const show = (step) => {
    current = Math.max(0, Math.min(steps - 1, step));
    for (const mark of marked) mark.classList.toggle("on", Number(mark.dataset.step) === current);
    const cells = [...document.querySelector(`tbody [data-step="${current}"]`).cells].map((cell) => cell.textContent.trim());
    const title = document.createElement("strong");
    title.textContent = `${cells[0]}: ${cells[1]}` + (cells[2] ? ` → ${cells[2]}` : "");
    const list = document.createElement("dl");
    cells.slice(3).forEach((value, index) => {
      if (!value) return;
      const pair = document.createElement("div");
      const name = document.createElement("dt");
      const said = document.createElement("dd");
      name.textContent = names[index + 3];
      said.textContent = value;
      pair.append(name, said);
      list.append(pair);
    });
    now.replaceChildren(title, list);
    now.hidden = false;
  };
  for (const mark of marked) {
    mark.addEventListener("pointerenter", () => show(Number(mark.dataset.step)));
    mark.addEventListener("click", () => show(Number(mark.dataset.step)));
  }
  figure.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    show(current < 0 ? (move > 0 ? 0 : steps - 1) : current + move);
  });
  document.querySelector(".hint .keys").hidden = false;
}
