"use strict";
(() => {
const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const stage = $("stage"), told = $("told"), root = document.documentElement;
const pictures = [...stage.querySelectorAll("svg.picture")];
const SVG_MARGIN = 8, ZOOM = 1.25, PAN = 0.1, MOST = 40, DRAG = 4;
const WORDS = {"": "colours: as the system", light: "colours: light", dark: "colours: dark"};
let shown = 0, view = null, last = "", dragged = 0;

// ---- where the reader looks -----------------------------------------------------------------
const whole = svg => svg.dataset.view.split(" ").map(Number);
const svg = () => pictures[shown];
function look(x, y, wide, tall) {
  view = [x, y, wide, tall];
  svg().setAttribute("viewBox", view.map(v => v.toFixed(2)).join(" "));
}
function fit() {
  const [x, y, wide, tall] = whole(svg());
  // no larger than twice its size
  const box = stage.getBoundingClientRect();
  const scale = Math.max(1, box.width / 2.7 / wide, box.height / 2.7 / tall);
  if (scale > 1 && wide * 2.7 < box.width && tall * 2.7 < box.height) {
    const w = box.width / 2.7, t = box.height / 2.7;
    look(x + wide / 2 - w / 2, y + tall / 2 - t / 2, w, t);
  } else look(x - SVG_MARGIN, y - SVG_MARGIN, wide + 2 * SVG_MARGIN, tall + 2 * SVG_MARGIN);
}
function place(clientX, clientY) {
  const point = new DOMPoint(clientX, clientY).matrixTransform(svg().getScreenCTM().inverse());
  return [point.x, point.y];
}
function zoom(factor, at) {
  const [x, y, wide, tall] = view, [, , most] = whole(svg());
  const least = most / MOST;
  const f = Math.min(Math.max(factor, least / wide), 4 * most / wide);
  const [cx, cy] = at || [x + wide / 2, y + tall / 2];
  look(cx - (cx - x) * f, cy - (cy - y) * f, wide * f, tall * f);
}
const pan = (right, down) => look(view[0] + right * view[2], view[1] + down * view[3], view[2], view[3]);
const middle = node => { const b = node.getBBox(); return [b.x + b.width / 2, b.y + b.height / 2]; };
function bring(node) {
  const [x, y] = middle(node), [left, top, wide, tall] = view;
  if (x < left || x > left + wide || y < top || y > top + tall) look(x - wide / 2, y - tall / 2, wide, tall);
}

// ---- which ways are lit -----------------------------------------------------------------------
const numbers = (node, letter) => [...node.classList].filter(c => c.length > 1 && c[0] === letter && !isNaN(c.slice(1)))
  .map(c => c.slice(1));
function light(node) {
  const picture = svg();
  for (const g of picture.querySelectorAll(".lit")) g.classList.remove("lit");
  const is = Boolean(node && node.classList.contains("a"));
  picture.classList.toggle("lighting", is);
  if (!is) return;
  node.classList.add("lit");
  for (const hub of numbers(node, "a")) {
    for (const g of picture.querySelectorAll(".b" + hub)) g.classList.add("lit");
  }
}
const words = node => node.getAttribute("aria-label");
function tell(node) { told.textContent = node ? words(node) : data.told; }

// ---- nodes, by keyboard too -------------------------------------------------------------------
const nodes = () => [...svg().querySelectorAll(".node[tabindex]")];
function dress(picture, k) {
  for (const node of picture.querySelectorAll(".node")) {
    const fold = data.folds[k][node.dataset.name];
    const rule = ruleOf(node), opens = rule || (fold !== undefined && target([...data.states[k], fold]) >= 0);
    const title = node.querySelector("title"), texts = [...node.querySelectorAll("text")];
    // lines are apart for who hears them, too
    for (const line of texts.slice(1)) line.before(" ");
    const text = texts.map(line => line.textContent).join(" ");
    if (!title && !text) continue;
    let label = title ? title.textContent : text;
    if (opens) label = rule ? `${text}: its rule` : `${text || label}: open`;
    node.setAttribute("aria-label", label);
    if (!opens && !node.classList.contains("a")) continue;
    node.setAttribute("role", opens ? "button" : "img");
    if (opens) node.setAttribute("aria-expanded", "false");
    node.setAttribute("tabindex", "-1");
  }
}
function rove(node) {
  for (const other of nodes()) other.setAttribute("tabindex", "-1");
  if (node) node.setAttribute("tabindex", "0");
}
function beside(node, right, down) {
  const [x, y] = middle(node);
  let nearest = null, least = Infinity;
  for (const other of nodes()) {
    const [u, v] = middle(other), along = (u - x) * right + (v - y) * down;
    const across = Math.abs((u - x) * down) + Math.abs((v - y) * right);
    if (other !== node && along > 1 && along + 2 * across < least) { least = along + 2 * across; nearest = other; }
  }
  return nearest;
}
function go(node) {
  if (!node) return;
  rove(node);
  bring(node);
  node.focus({preventScroll: true});
}

// ---- folds ------------------------------------------------------------------------------------
const key = names => [...new Set(names)].sort().join(",");
const target = names => data.states.findIndex(state => key(state) === key(names));
function show(k, told_too) {
  const before = new Set(nodes().map(n => n.dataset.name));
  light(null);
  pictures.forEach((picture, i) => { picture.toggleAttribute("hidden", i !== k); });
  shown = k;
  fit();
  rove(nodes()[0]);
  buttons();
  const hash = data.states[k].length ? "#fold=" + data.states[k].map(encodeURIComponent).join(",") : "";
  if (location.hash !== hash) history.replaceState(null, "", hash || location.pathname + location.search);
  if (told_too) told.textContent = told_too;
  return nodes().find(n => !before.has(n.dataset.name));
}
function open(fold) {
  const k = target([...data.states[shown], fold]);
  if (k >= 0) { go(show(k)); told.textContent = `${fold} is open; Escape closes it.`; }
}
const without = fold => data.states[shown].filter(name => name !== fold);
// of folds in each other the inner one
const innermost = () => data.states[shown].findLast(name => target(without(name)) >= 0);
function close(fold) {
  const left = without(fold);
  // what was open inside it is not there without it
  const k = target(left) >= 0 ? target(left) : 0;
  show(k, `${fold} is folded.`);
  const node = nodes().find(n => data.folds[k][n.dataset.name] === fold);
  if (node) go(node);
}
function buttons() {
  const state = data.states[shown];
  const here = [...new Set(Object.values(data.folds[shown]))].filter(name => target([...state, name]) >= 0);
  $("folds").replaceChildren(...[...state, ...here].map(name => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${data.labels[name] || name} ${state.includes(name) ? "▾" : "▸"}`;
    button.setAttribute("aria-expanded", state.includes(name));
    button.dataset.fold = name;
    button.addEventListener("click", () => state.includes(name) ? close(name) : open(name));
    return button;
  }));
}
function follow() {
  const text = decodeURIComponent((location.hash.match(/^#fold=(.*)$/) || ["", ""])[1]);
  const k = target(text ? text.split(",") : []);
  show(Math.max(k, 0));
}

// ---- rules: what is computed in the box, in a panel beside the picture ------------------------
function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
const lettered = pieces => pieces.map(([text, kind]) => kind ? element(kind, text) : text);
const lines = texts => texts.map(text => element("p", ...lettered(text)));
function listing([op, where, sent, operations, more]) {
  const rows = operations.map(([name, text, shape]) => element("tr",
    element("td", ...lettered(name)), element("td", "= ", ...lettered(text)), element("td", shape)));
  return [
    element("h3", `${op}: what it sends`), ...lines(sent), element("h3", "where"), ...lines(where),
    ...(rows.length ? [element("h3", "its operations"), element("table", element("tbody", ...rows))] : []),
    ...(more ? [element("p", `and ${more} more`)] : []),
  ];
}
let ruled = null;
function openRule(node) {
  ruled?.setAttribute("aria-expanded", "false");
  ruled = node;
  node.setAttribute("aria-expanded", "true");
  const rules = ruleOf(node);
  $("rule-name").textContent = `${rules.map(([op]) => op).join(", ")} VJP`;
  $("rule-text").replaceChildren(...rules.flatMap(listing));
  $("rule").hidden = false;
  $("rule").scrollTop = 0;
  $("rule").focus();
}
function closeRule() {
  $("rule").hidden = true;
  const node = ruled;
  ruled = null;
  node.setAttribute("aria-expanded", "false");
  if (svg().contains(node)) go(node);
}
const ruleOf = node => node ? data.rules[node.dataset.name] : undefined;
function press(node) {
  const fold = foldOf(node);
  if (ruleOf(node)) openRule(node);
  else if (fold !== undefined) open(fold);
  else return false;
  return true;
}
$("rule-close").addEventListener("click", closeRule);

// ---- what happens -----------------------------------------------------------------------------
const nodeOf = event => event.target.closest && event.target.closest(".node[aria-label]");
const foldOf = node => node && node.getAttribute("role") === "button" ? data.folds[shown][node.dataset.name] : undefined;
stage.addEventListener("pointerover", event => { const n = nodeOf(event); light(n); if (n) tell(n); });
stage.addEventListener("pointerleave", () => light(stage.contains(document.activeElement) ? document.activeElement : null));
stage.addEventListener("focusin", event => { const n = nodeOf(event); light(n); if (n) { rove(n); tell(n); } });
stage.addEventListener("focusout", () => light(null));
stage.addEventListener("click", event => {
  const n = nodeOf(event);
  if (dragged > DRAG) return;
  if (n && !press(n)) go(n);
});
const fingers = new Map();
stage.addEventListener("pointerdown", event => { fingers.set(event.pointerId, [event.clientX, event.clientY]); dragged = 0; });
stage.addEventListener("pointermove", event => {
  const before = fingers.get(event.pointerId), now = [event.clientX, event.clientY];
  if (!before) return;
  dragged += Math.hypot(now[0] - before[0], now[1] - before[1]);
  if (dragged > DRAG && !stage.hasPointerCapture(event.pointerId)) stage.setPointerCapture(event.pointerId);
  stage.classList.add("moving");
  const other = [...fingers].find(([id]) => id !== event.pointerId);
  const [x, y] = place(...before), [u, v] = place(...now);
  if (other) {
    const [ox, oy] = other[1];
    const factor = Math.hypot(before[0] - ox, before[1] - oy) / Math.max(1, Math.hypot(now[0] - ox, now[1] - oy));
    zoom(factor, place(ox, oy));
  } else look(view[0] + x - u, view[1] + y - v, view[2], view[3]);
  fingers.set(event.pointerId, now);
});
for (const name of ["pointerup", "pointercancel"]) {
  stage.addEventListener(name, event => { fingers.delete(event.pointerId); stage.classList.remove("moving"); });
}
stage.addEventListener("wheel", event => {
  event.preventDefault();
  zoom(Math.exp(event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), place(event.clientX, event.clientY));
}, {passive: false});
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
document.addEventListener("keydown", event => {
  if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey) return;
  const node = nodeOf(event), arrow = ARROWS[event.key];
  if (arrow && node) go(beside(node, ...arrow));
  else if (arrow && event.target === stage) pan(PAN * arrow[0], PAN * arrow[1]);
  else if ((event.key === "Enter" || event.key === " ") && node && press(node)) ;
  else if (event.key === "+" || event.key === "=") zoom(1 / ZOOM);
  else if (event.key === "-") zoom(ZOOM);
  else if (event.key === "0") fit();
  else if (event.key === "Escape" && ruled) closeRule();
  else if (event.key === "Escape" && data.states[shown].length) close(innermost());
  else return;
  event.preventDefault();
});
$("smaller").addEventListener("click", () => zoom(ZOOM));
$("larger").addEventListener("click", () => zoom(1 / ZOOM));
$("fit").addEventListener("click", fit);
$("scheme").addEventListener("click", () => {
  const order = Object.keys(WORDS), next = order[(order.indexOf(root.dataset.scheme || "") + 1) % order.length];
  root.dataset.scheme = next;
  $("scheme").textContent = WORDS[next];
});
const written = node => `${node.dataset.name} ${node.textContent}`.toLowerCase();
function find(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return;
  const order = [shown, ...pictures.keys()].filter((k, i, all) => all.indexOf(k) === i);
  for (const k of order) {
    const all = [...pictures[k].querySelectorAll(".node[tabindex]")];
    const exact = all.filter(n => n.dataset.name.toLowerCase() === wanted);
    const hits = exact.length ? exact : all.filter(n => written(n).includes(wanted));
    if (!hits.length) continue;
    if (k !== shown) show(k);
    const next = hits[(hits.findIndex(n => n.dataset.name === last) + 1) % hits.length];
    last = next.dataset.name;
    go(next);
    return;
  }
  told.textContent = `nothing here is called ${text.trim()}`;
}
$("search").addEventListener("submit", event => { event.preventDefault(); find($("name").value); });
$("name").addEventListener("input", () => { last = ""; });
window.addEventListener("hashchange", follow);
window.addEventListener("resize", fit);
window.addEventListener("beforeprint", fit);

pictures.forEach(dress);
const names = new Set(pictures.flatMap(p => [...p.querySelectorAll(".node.a")].map(n => n.dataset.name)));
$("names").replaceChildren(...[...names].map(name => { const o = document.createElement("option"); o.value = name; return o; }));
stage.classList.add("ready");
follow();
})();
