// --- arrays, and the one scale of all shades and bars: the norms of all adjoints, logarithmic ----------------------
const scale = (() => {
  const logs = tapes.flatMap((tape) => tape.norms).filter((v) => v > 0 && v < Infinity).map(Math.log10);
  const low = logs.reduce((a, b) => Math.min(a, b), Infinity), high = logs.reduce((a, b) => Math.max(a, b), -Infinity);
  // an element is smaller than the norm of its array
  return { low: low - 1, high, some: logs.length > 0 };
})();
const FAINTEST = 0.12;
// How far up the scale a size lies, from FAINTEST to 1; 0 for 0.
function shareOf(size) {
  if (!(size > 0)) return 0;
  if (scale.high <= scale.low) return 0.5;
  const share = (Math.log10(size) - scale.low) / (scale.high - scale.low);
  return FAINTEST + (1 - FAINTEST) * Math.min(Math.max(share, 0), 1);
}
const deep = (share) => `calc(var(--deepest) * ${share.toFixed(3)})`;
const SHADES = 16; // classes of the style sheet: browsers share what they are
const shadeOf = (value) => `${value < 0 ? "minus" : "plus"}${Math.round(SHADES * shareOf(Math.abs(value)))}`;
const two = (value) => (value === 0 || (value >= 1e-3 && value < 1e4) ? String(Number(value.toPrecision(2))) : value.toExponential(1));

function legendOfScale() {
  if (!scale.some) return null;
  const count = scale.high > scale.low ? 5 : 1;
  const ticks = Array.from({ length: count }, (_, i) => 10 ** (scale.low + ((scale.high - scale.low) * i) / Math.max(count - 1, 1)));
  const cells = ticks.map((size) => {
    const negative = make("span", { class: `under ${shadeOf(-size)}` });
    return make("span", { class: `shade ${shadeOf(size)}` }, two(size), negative);
  });
  return make("span", { class: "scale" }, "shades and bars, in all panels: ", ...cells, " positive or a norm; ",
    make("span", { class: "negative" }, "negative"));
}

function summary(g) {
  const range = g.low === undefined ? "" : `, ${g.low} to ${g.high}`;
  return `${g.shape ? g.shape + ", " : ""}norm ${g.norm}${range}${g.bad ? `, ${g.bad} not finite` : ""}`;
}
const MAX_WRITTEN = 64, MAX_WRITTEN_COLUMNS = 12;

function heat(g, title) {
  const large = g.codes.length > MAX_WRITTEN || g.columns > MAX_WRITTEN_COLUMNS;
  const blocks = g.block ? ` (largest of each ${g.block} block)` : "";
  return make("figure", {}, make("figcaption", {}, title, `${summary(g)}${blocks}`), large ? cells(g) : written(g));
}
const classOf = (code) => (code in SPECIAL ? "bad" : shadeOf(valueOf(code)));
function written(g) {
  const body = make("tbody");
  for (let i = 0; i < g.rows && g.columns; i++) {
    const codes = g.codes.slice(i * g.columns, (i + 1) * g.columns);
    body.append(make("tr", {}, ...codes.map((code) => make("td", { class: classOf(code), title: textOf(code) }, textOf(code)))));
  }
  return make("table", { class: "heat", "aria-label": summary(g) }, body);
}
// Of many numbers the shades alone, those alike in one: a table of them takes long to lay out.
function cells(g) {
  const squares = {};
  g.codes.forEach((code, k) => {
    const shade = classOf(code);
    squares[shade] = `${squares[shade] ?? ""}M${k % g.columns} ${Math.floor(k / g.columns)}h1v1h-1z`;
  });
  const title = draw("title", {}), paths = Object.entries(squares).map(([shade, d]) => draw("path", { class: shade, d }));
  const svg = draw("svg", { class: "cells", role: "img", "aria-label": summary(g), viewBox: `0 0 ${g.columns} ${g.rows}` }, title, ...paths);
  svg.style.width = `${g.columns * 0.8}rem`;
  svg.addEventListener("pointermove", (e) => { // a number under the pointer is told
    const box = svg.getBoundingClientRect(), [x, y] = [(e.clientX - box.left) / box.width, (e.clientY - box.top) / box.height];
    const code = g.codes[Math.floor(y * g.rows) * g.columns + Math.floor(x * g.columns)];
    if (code !== undefined) title.textContent = textOf(code);
  });
  return svg;
}
