const board = document.getElementById("board");
const rows = document.querySelectorAll("#rows li");
const lines = document.querySelectorAll("#steps tbody tr");
const now = document.getElementById("now");
const phoneRows = now.querySelector(".phones tbody");
const names = [...document.querySelectorAll("#steps th[data-phone]")].map((head) => head.dataset.phone);
const bad = [...rows].findIndex((row) => row.classList.contains("bad"));
const part = Object.fromEntries([...now.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
let current = -1;

for (const name of names) {
  const row = phoneRows.insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  row.append(head);
  row.insertCell();
  row.insertCell();
}
document.getElementById("rows").setAttribute("role", "listbox");
document.getElementById("rows").setAttribute("aria-label", "Events");
for (const piece of document.querySelectorAll("#rows ol")) piece.setAttribute("role", "presentation");
for (const row of rows) row.setAttribute("role", "option");

// A line of the table as data; the table is the only place that holds it.
const read = (step) => {
  const line = lines[step];
  const cell = (name) => line.querySelector(`[data-${name}]`)?.textContent.trim() ?? "";
  const phones = [...line.querySelectorAll("td.phone")].map((each) => [...each.children].map((value) => value.textContent));
  return {
    number: line.cells[0].textContent.trim(), asked: cell("asked"), answered: cell("answered"), account: cell("account"),
    allocated: cell("allocated"), confirmed: cell("confirmed"), phones,
  };
};

// The last line before this one that is about the same account.
const before = (step, account) => {
  for (let at = step - 1; at >= 0 && at > step - 50; at -= 1) {
    const state = read(at);
    if (state.account === account && state.allocated) return state;
  }
  return null;
};

const put = (node, value, was) => {
  const moved = was !== undefined && was !== "" && value !== "" && was !== value;
  const text = moved ? `${was} → ${value}` : value || "–";
  if (node.textContent !== text) node.textContent = text;
  node.classList.toggle("moved", moved);
};

const say = (state, was) => {
  part.number.textContent = state.number;
  part.asked.textContent = state.asked;
  part.answered.textContent = state.answered ? ` → ${state.answered}` : "";
  part.account.textContent = state.account ? `Account ${state.account} after it` : "After it";
  put(part.allocated, state.allocated, was?.allocated);
  put(part.confirmed, state.confirmed, was?.confirmed);
  names.forEach((_, index) => {
    const [seqCli, holds] = state.phones[index] ?? ["", ""];
    const row = phoneRows.rows[index];
    row.hidden = !seqCli;
    put(row.cells[1], seqCli ?? "", was?.phones[index]?.[0]);
    put(row.cells[2], holds ?? "", was?.phones[index]?.[1]);
  });
  part.differ.hidden = current !== bad;
  const phones = names.map((name, index) => state.phones[index]?.[0] ? `, ${name} at ${state.phones[index][0]}, holds ${state.phones[index][1]}` : "");
  part.live.textContent = `${state.number}: ${state.asked}${part.answered.textContent}. ` +
    (state.allocated ? `Allocated ${state.allocated}, confirmed ${state.confirmed}${phones.join("")}.` : "");
};

// Where a row begins in what the board scrolls; what it is laid out in may be a piece of its own.
const placed = (row) => row.getBoundingClientRect().top - board.getBoundingClientRect().top - board.clientTop + board.scrollTop;

const reveal = (row) => {
  const head = board.querySelector(".heads").offsetHeight, place = placed(row);
  const top = place - head, bottom = place + row.offsetHeight;
  if (top < board.scrollTop) board.scrollTop = top;
  else if (bottom > board.scrollTop + board.clientHeight) board.scrollTop = bottom - board.clientHeight;
  if (board.scrollHeight > board.clientHeight + 2) return;
  const box = row.getBoundingClientRect(), free = innerHeight - (getComputedStyle(now).position === "sticky" && now.dataset.below ? now.offsetHeight : 0);
  if (box.top < 0) scrollBy(0, box.top - 12);
  else if (box.bottom > free) scrollBy(0, box.bottom - free + 12);
};

const show = (step, seen = true) => {
  const next = Math.max(0, Math.min(rows.length - 1, step));
  if (next !== current) {
    for (const node of [rows[current], lines[current]]) node?.classList.remove("on");
    rows[current]?.removeAttribute("aria-selected");
    current = next;
    for (const node of [rows[current], lines[current]]) node.classList.add("on");
    rows[current].setAttribute("aria-selected", "true");
    board.setAttribute("aria-activedescendant", rows[current].id);
    const state = read(current);
    say(state, before(current, state.account));
  }
  if (seen) reveal(rows[current]);
};

const moves = {
  ArrowDown: () => current + 1, ArrowUp: () => current - 1, Home: () => 0, End: () => rows.length - 1,
  PageDown: () => current + 10, PageUp: () => current - 10, v: () => (bad < 0 ? current : bad),
};
const go = (key) => {
  const move = moves[key.length === 1 ? key.toLowerCase() : key];
  if (move) show(move());
  return Boolean(move);
};
board.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (go(event.key)) event.preventDefault();
});
now.addEventListener("click", (event) => {
  const key = event.target.closest("button")?.dataset.key;
  if (key) go(key);
});

// Rows that scroll under a pointer at rest do not take the place of the one the keys are at.
let pointed = "";
const at = (event, list) => [...list].indexOf(event.target.closest("li, tr"));
board.addEventListener("pointermove", (event) => {
  const place = `${event.screenX} ${event.screenY}`;
  const row = event.target.closest("li.row");
  if (!row || place === pointed || event.pointerType === "touch") return;
  pointed = place;
  if (row !== rows[current]) show(Number(row.dataset.step), false);
});
board.addEventListener("click", (event) => {
  const row = event.target.closest("li.row");
  if (row) show(Number(row.dataset.step), false);
});
document.getElementById("steps").addEventListener("click", (event) => {
  const index = at(event, lines);
  if (index >= 0) show(index, false);
});

const follow = () => {
  const found = document.getElementById(location.hash.slice(1));
  if (!found || !found.classList.contains("row")) return false;
  show(Number(found.dataset.step), false);
  return true;
};
addEventListener("hashchange", follow);
now.hidden = false;
document.documentElement.classList.add("stepping");
if (!follow()) {
  show(bad < 0 ? 0 : bad, false);
  board.scrollTop = Math.max(0, placed(rows[current]) + rows[current].offsetHeight - board.clientHeight);
}
