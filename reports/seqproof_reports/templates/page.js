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
const theme = document.querySelector("button.theme");
const themes = ["auto", "light", "dark"];
const paint = (name) => {
  document.documentElement.dataset.theme = name;
  theme.textContent = `theme: ${name}`;
};
const kept = (name) => {
  try {
    if (name === undefined) return localStorage.getItem("seqproof-theme");
    localStorage.setItem("seqproof-theme", name);
  } catch { /* a page from a file may keep nothing */ }
  return null;
};
paint(themes.find((name) => name === kept()) || "auto");
theme.hidden = false;
theme.addEventListener("click", () => {
  paint(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]);
  kept(document.documentElement.dataset.theme);
});
