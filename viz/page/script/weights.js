// --- the gradients of the parameters as they grow, one bar per time step --------------------------------------------
const MAX_BARS = 50, MAX_TOLD = 12;

function Weights(tape) {
  const timed = tape.weights.some((w) => tape.readers[w].some(([n]) => tape.time(n) !== null));
  const list = make("div", { class: "weights", tabindex: 0, role: "group", "aria-label": "gradients of the parameters" }), sum = make("div", { class: "sum" });
  const root = make("div", {}, make("h3", {}, `gradients of the parameters${timed ? ": one bar per time step" : ""}`), list, sum);
  const grown = new Map(tape.weights.map((w) => [w, []]));
  tape.steps.forEach((step, k) => step.sends.forEach((send) => {
    if (send.sum !== undefined) grown.get(send.to).push({ k, t: tape.time(step.node), share: send.share, sum: send.sum });
  }));
  const cards = tape.weights.map((w) => Card(tape, w, grown.get(w)));
  list.append(...cards.map((card) => card.root));
  let shown = null;

  function show(count, moved) {
    let latest = null;
    for (const card of cards) {
      const last = card.show(count, moved);
      if (last && (latest === null || last.k > latest.k)) latest = { ...last, weight: card.weight };
    }
    const now = latest && `${latest.weight} ${latest.sum}`;
    if (now === shown) return;
    shown = now;
    const title = latest && make("h3", {}, "running sum: the gradient of ", whole(symbol(tape.parts(latest.weight))), " so far");
    sum.replaceChildren(...(latest ? [title, heat(tape.grid(latest.sum), "")] : []));
  }
  return { root, show };
}

const BAR = 44; // pixels
const BARS = {
  bar: (i, height) => `M${i} ${BAR}v-${height}h.85v${height}z`,
  new: (i, height) => BARS.bar(i, height),
  bad: (i) => BARS.bar(i, BAR),
  never: (i) => `M${i + 0.25} ${BAR - 8}l.4 6m0-6l-.4 6`,
};

function Card(tape, weight, grown) {
  // what lies outside the steps comes last
  const order = (t) => (t === null ? Infinity : t);
  const times = [...new Set(tape.readers[weight].map(([n]) => tape.time(n)))].sort((a, b) => order(a) - order(b));
  const size = Math.ceil(times.length / MAX_BARS);
  const bins = Array.from({ length: Math.ceil(times.length / size) }, (_, i) => times.slice(i * size, (i + 1) * size));
  const paths = Object.keys(BARS).map((kind) => draw("path", { class: kind }));
  const title = draw("title", {}), total = make("span");
  const bars = draw("svg", { class: "bars", role: "img", viewBox: `0 0 ${bins.length} ${BAR}`, preserveAspectRatio: "none" }, title, ...paths);
  const ticks = bins.map((bin, i) => make("span", { class: "tick" }, bins.length <= MAX_TOLD || i % 5 === 0 ? `${bin[0] ?? "–"}` : ""));
  const root = make("div", { class: "weight" }, make("div", {}, whole(symbol(tape.parts(weight))), " ", total), bars,
    make("div", { class: "ticks", "aria-hidden": "true" }, ...ticks));
  const name = tape.name(weight);
  let before = "", shown = [];

  function show(count, moved) {
    const arrived = grown.filter(({ k }) => k < count), last = arrived.at(-1);
    const fresh = moved && last?.k === count - 1, end = count === tape.steps.length;
    const now = `${arrived.length} ${fresh} ${end}`;
    if (now !== before) refresh(arrived, fresh, end);
    before = now;
    return last;
  }
  // What a bar shows: the largest share of its steps.
  function barOf(bin, each, fresh, end) {
    const uses = bin.filter((t) => each.has(t)).map((t) => each.get(t).share), bad = uses.find((share) => share in SPECIAL);
    const share = bad ?? uses.reduce((a, b) => (valueOf(a) >= valueOf(b) ? a : b), uses[0]);
    const kind = bad !== undefined ? "bad" : share === undefined ? (end ? "never" : null) : fresh ? "new" : "bar";
    return { kind, share };
  }
  function refresh(arrived, fresh, end) {
    const each = new Map(arrived.map((use) => [use.t, use])), last = arrived.at(-1);
    shown = bins.map((bin) => barOf(bin, each, fresh && bin.includes(last.t), end));
    Object.keys(BARS).forEach((kind, k) => {
      const d = shown.map((bar, i) => (bar.kind === kind ? BARS[kind](i, Math.max(BAR * shareOf(valueOf(bar.share)), 1).toFixed(1)) : ""));
      update(paths[k], "d", d.join(""));
    });
    const norm = last && tape.normText(last.sum), steps = `${each.size} step${each.size === 1 ? "" : "s"}`;
    total.textContent = last ? `norm ${norm} of ${steps}` : "nothing yet";
    const told = times.map((t) => `t=${t ?? "outside"} ${each.has(t) ? textOf(each.get(t).share) : "none"}`);
    bars.setAttribute("aria-label", `${name}: ${times.length <= MAX_TOLD ? told.join(", ") : total.textContent}`);
    update(root, "class", fresh ? "weight growing" : last ? "weight" : "weight empty");
  }
  bars.addEventListener("pointermove", (e) => { // a bar under the pointer is told
    const box = bars.getBoundingClientRect(), i = Math.floor((bins.length * (e.clientX - box.left)) / box.width);
    if (!shown[i]) return;
    const bin = bins[i], { kind, share } = shown[i];
    const when = bin.length > 1 ? `t = ${bin[0]} to ${bin.at(-1) ?? "outside"}, largest` : `t = ${bin[0] ?? "outside the steps"}`;
    title.textContent = `${when}: ${share !== undefined ? "norm " + textOf(share) : kind ? "no gradient arrives" : "nothing yet"}`;
  });
  return { root, show, weight };
}
