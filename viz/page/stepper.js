"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const MATH = "http://www.w3.org/1998/Math/MathML";
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // Elements are made, never parsed: a name is only ever text.
  function make(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }
  function makeNS(space, tag, attributes = {}, ...children) {
    return fill(document.createElementNS(space, tag), attributes, children);
  }
  function fill(element, attributes, children) {
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children.filter((c) => c !== null && c !== undefined));
    return element;
  }

  // --- mathematics ------------------------------------------------------------------------------------------------
  const math = (tag, ...children) => makeNS(MATH, tag, {}, ...children);
  function symbol(parts) { // [["W", false], ["hh", true]] is W with the subscript hh
    const row = [];
    for (const [text, lowered] of parts) {
      const leaf = math(lowered ? "mtext" : "mi", text);
      if (lowered && row.length) row.push(math("msub", row.pop(), leaf));
      else row.push(leaf);
    }
    return row.length === 1 ? row[0] : math("mrow", ...row);
  }
  function adjoint(tape, node) {
    return math("mfrac", math("mrow", math("mo", "∂"), symbol(tape.loss)),
      math("mrow", math("mo", "∂"), symbol(tape.nodes[node].parts)));
  }
  const TOKEN = /\s+|[\p{L}_]+(?<![ᵀ])|\d+(?:\.\d+)?(?:e[-+]?\d+)?|⁻¹|[ᵀ²]|./gu;
  const RAISED = { "⁻¹": "−1", "ᵀ": "⊤", "²": "2" };
  function formula(tape, pieces) {
    const [to, sign, ...rest] = pieces;
    const row = [adjoint(tape, to), math("mo", sign)];
    rest.forEach((piece, i) => {
      if (i % 2) {
        row.push(piece[0] === "g" ? adjoint(tape, Number(piece.slice(1))) : symbol(tape.nodes[Number(piece)].parts));
        return;
      }
      for (const token of piece.match(TOKEN) ?? []) {
        if (!token.trim()) continue;
        if (token in RAISED) row.push(math("msup", row.pop(), math("mn", RAISED[token])));
        else if (/^\d/.test(token)) row.push(math("mn", token));
        else if (/^[\p{L}_]/u.test(token)) row.push(math("mi", token));
        else row.push(makeNS(MATH, "mo", "()[]".includes(token) ? { stretchy: "false" } : {}, token === "-" ? "−" : token));
      }
    });
    return makeNS(MATH, "math", { display: "block", "aria-label": spoken(tape, pieces) }, ...row);
  }
  function spoken(tape, [to, sign, ...rest]) {
    const loss = tape.loss.map((p) => p[0]).join("_"), d = (i) => `d${loss}/d${tape.nodes[i].name}`;
    const said = rest.map((p, i) => (i % 2 ? (p[0] === "g" ? d(Number(p.slice(1))) : tape.nodes[Number(p)].name) : p));
    return `${d(to)} ${sign} ${said.join("")}`;
  }

  // --- arrays -----------------------------------------------------------------------------------------------------
  const deep = (share) => `calc(var(--deepest) * ${share.toFixed(3)})`;
  const isBad = (text) => !Number.isFinite(Number(text));
  function summary(g) {
    const range = g.lo === undefined ? "" : `, ${g.lo} to ${g.hi}`;
    return `${g.s ? g.s + ", " : ""}norm ${g.n}${range}${g.bad ? `, ${g.bad} not finite` : ""}`;
  }
  function heat(g, title) {
    const values = g.v === "" ? [] : g.v.split(" "), columns = g.r ? values.length / g.r : 0;
    const top = Math.max(...values.filter((v) => !isBad(v)).map((v) => Math.abs(Number(v))), 0);
    const small = values.length > 64 || columns > 12;
    const body = make("tbody");
    for (let i = 0; i < g.r && columns; i++) {
      const row = make("tr");
      for (const v of values.slice(i * columns, (i + 1) * columns)) {
        const cell = make("td", { title: v }, small ? "" : v), share = top ? Math.abs(Number(v)) / top : 0;
        if (isBad(v)) cell.className = "bad";
        else cell.style.backgroundColor = `rgba(var(--${Number(v) < 0 ? "minus" : "plus"}), ${deep(share)})`;
        row.append(cell);
      }
      body.append(row);
    }
    const blocks = g.b ? ` (largest of each ${g.b} block)` : "";
    return make("figure", {}, make("figcaption", {}, title, `${summary(g)}${blocks}`),
      make("table", { class: small ? "heat small" : "heat", "aria-label": `${summary(g)}` }, body));
  }
  const plain = (tape, node) => tape.nodes[node].name;

  // --- one tape ---------------------------------------------------------------------------------------------------
  function Panel(tape, number, scene) {
    const root = make("section", { class: "panel", "aria-label": tape.title }, make("h2", {}, tape.title), scene);
    const now = make("div", { class: "now" }), weights = make("div", { class: "weights" });
    const sum = make("div", { class: "sum" });
    root.append(make("div", { class: "below" }, now, make("div", {}, make("h3", {}, "gradients of the parameters: one bar per time step"), weights, sum)));
    const nodes = tape.nodes.map((_, i) => scene.querySelector(`#t${number}n${i}`));
    const base = nodes.map((n) => n && n.getAttribute("class").replace(/\b(ahead|unreached)\b/, "").trim());
    const reached = new Set(tape.reached);
    const edges = [];
    tape.steps.forEach((step, k) => step.sends.forEach((send) => {
      const edge = scene.querySelector(`#t${number}e${step.node}_${send.slot}`);
      if (edge) edges.push({ edge, k, kind: edge.getAttribute("class").trim() });
    }));
    const stepOf = new Map(tape.steps.map((step, k) => [step.node, k]));
    const sizes = tape.steps.map((step) => Number(tape.grids[step.g].n));
    const logs = sizes.filter((v) => v > 0 && Number.isFinite(v)).map(Math.log10);
    const low = Math.min(...logs), high = Math.max(...logs);
    const shade = (v) => (v > 0 ? (high > low ? 0.12 + (0.88 * (Math.log10(v) - low)) / (high - low) : 0.5) : 0);
    const svg = scene.querySelector("svg"), wide = svg.viewBox.baseVal.width;
    tape.steps.forEach((step, k) => nodes[step.node]?.addEventListener("click", () => goToStep(number, k)));

    const grown = tape.weights.map(() => []);
    tape.steps.forEach((step, k) => step.weights.forEach((w) => grown[w.w].push({ ...w, k })));
    const tallest = tape.weights.map((w) => largest.get(plain(tape, w.node)) ?? 0);
    const cards = tape.weights.map((w) => {
      const bars = make("div", { class: "bars", role: "img" }), total = make("span");
      const name = makeNS(MATH, "math", {}, symbol(tape.nodes[w.node].parts));
      const card = make("div", { class: "weight" }, make("div", {}, name, " ", total), bars);
      weights.append(card);
      return { card, bars, total };
    });

    const named = new Map(tape.nodes.map((n, i) => [n.name, i]));

    function show(count, moved, where) { // where: the node that the tapes are at, by name
      const current = moved ? tape.steps[count - 1] : null, waiting = new Set();
      for (const step of tape.steps.slice(0, count)) for (const send of step.sends) waiting.add(send.to);
      if (!count) waiting.add(tape.steps[0].node);
      nodes.forEach((element, i) => {
        if (!element) return;
        const k = stepOf.get(i), done = k !== undefined && k < count;
        const state = current && current.node === i ? "current" : done ? "visited" : !reached.has(i) ? "unreached" : waiting.has(i) ? "waiting" : "ahead";
        const dim = done ? shade(sizes[k]) : 1;
        const bad = done && !Number.isFinite(sizes[k]) ? " bad" : "";
        element.setAttribute("class", `${base[i]} ${state}${bad}`);
        element.querySelector("rect").style.fillOpacity = state === "visited" && !bad ? deep(dim) : "";
      });
      for (const { edge, k, kind } of edges) edge.setAttribute("class", `${kind} ${k === count - 1 && moved ? "lit" : k < count ? "done" : ""}`);
      now.replaceChildren(...(current ? told(current) : [make("p", { class: "still" }, elsewhere(where))]));
      showWeights(count, moved);
      const seen = current ? nodes[current.node] : nodes[named.get(where)];
      if (seen) follow(seen);
    }
    function elsewhere(where) {
      if (where === null) return `Backward starts at ${plain(tape, tape.steps[0].node)}. Nothing is sent yet.`;
      return reached.has(named.get(where)) ? `No step here: this tape comes by ${where} at another time.` : `No gradient reaches ${where} on this tape.`;
    }
    function told(step) {
      const node = tape.nodes[step.node];
      const lines = step.sends.filter((s) => s.f).map((s) => make("div", { class: "formula" }, formula(tape, s.f)));
      return [
        make("p", { class: "name" }, makeNS(MATH, "math", {}, symbol(node.parts)), ` ${node.op === "leaf" ? "" : "= " + node.op} `, make("span", { class: "where" }, node.where)),
        step.line ? make("code", { class: "source" }, step.line) : null,
        make("div", { class: "adjoint" }, heat(tape.grids[step.g], makeNS(MATH, "math", {}, adjoint(tape, step.node), math("mo", "=")))),
        ...lines,
        step.sends.length ? make("h3", {}, "what it sends") : make("p", { class: "still" }, "A leaf: its adjoint is the gradient."),
        make("div", { class: "grids" }, ...step.sends.map((s) => sent(step, s))),
      ].filter((e) => e !== null);
    }
    function sent(step, send) {
      const to = make("strong", {}, `to ${plain(tape, send.to)}: `);
      return send.c === step.g ? make("p", { class: "unchanged" }, to, "its own adjoint, unchanged") : heat(tape.grids[send.c], to);
    }
    function showWeights(count, moved) {
      let latest = null;
      cards.forEach(({ card, bars, total }, i) => {
        const times = tape.weights[i].times, arrived = grown[i].filter((w) => w.k < count), each = new Map(arrived.map((w) => [w.t, w]));
        const fresh = moved && arrived.length > 0 && arrived.at(-1).k === count - 1;
        bars.replaceChildren(...times.map((t, j) => {
          const w = each.get(t), never = !w && count === tape.steps.length, when = `t = ${t ?? "outside the steps"}`;
          const tick = make("span", { class: "tick" }, times.length <= 12 || j % 5 === 0 ? `${t ?? "–"}` : "");
          const slot = make("div", { class: "slot", title: `${when}: ${w ? "norm " + w.n : never ? "no gradient arrives" : "nothing yet"}` }, tick);
          if (w) {
            const bar = make("div", { class: `bar${isBad(w.n) ? " bad" : fresh && w.k === count - 1 ? " new" : ""}` });
            bar.style.height = `${isBad(w.n) ? 44 : Math.max((44 * Number(w.n)) / (tallest[i] || 1), 1)}px`;
            slot.prepend(bar);
          } else if (never) slot.prepend(make("div", { class: "none" }, "×"));
          return slot;
        }));
        const last = arrived.at(-1), norm = last ? tape.grids[last.sum].n : null;
        total.textContent = norm === null ? "nothing yet" : `norm ${norm} of ${arrived.length ? each.size : 0} step${each.size === 1 ? "" : "s"}`;
        bars.setAttribute("aria-label", `${plain(tape, tape.weights[i].node)}: ` + (times.map((t) => `t=${t ?? "outside"} ${each.get(t)?.n ?? "none"}`).join(", ")));
        card.className = fresh ? "weight growing" : "weight";
        if (last && (latest === null || last.k > latest.last.k)) latest = { i, last };
      });
      sum.replaceChildren(...(latest === null ? [] : [make("h3", {}, `running sum: the gradient of ${plain(tape, tape.weights[latest.i].node)} so far`), heat(tape.grids[latest.last.sum], "")]));
    }
    function follow(element) {
      const box = element.getBoundingClientRect(), frame = scene.getBoundingClientRect();
      const left = scene.scrollLeft + box.left + box.width / 2 - frame.left - frame.width / 2;
      const top = scene.scrollTop + box.top + box.height / 2 - frame.top - frame.height / 2;
      scene.scrollTo({ left, top, behavior: calm || playing ? "auto" : "smooth" });
    }
    function zoom(factor) {
      const view = svg.viewBox.baseVal, at = Number(svg.getAttribute("width")) / wide;
      const scale = factor === "fit" ? Math.min((scene.clientWidth - 2) / view.width, (innerHeight * 0.55) / view.height, 1) : Math.min(Math.max(at * factor, 0.02), 3);
      svg.setAttribute("width", view.width * scale);
      svg.setAttribute("height", view.height * scale);
    }
    return { root, show, zoom, tape };
  }

  // --- moving -----------------------------------------------------------------------------------------------------
  const moments = data.moments, end = moments.length - 1;
  let at = 0, playing = null;
  const largest = new Map(); // the longest bar of each parameter: the tapes share one scale
  for (const tape of data.tapes) for (const step of tape.steps) for (const w of step.weights) {
    const name = plain(tape, tape.weights[w.w].node);
    if (!isBad(w.n)) largest.set(name, Math.max(largest.get(name) ?? 0, Number(w.n)));
  }
  const scenes = [...document.querySelectorAll("#scenes > .scene")];
  const panels = data.tapes.map((tape, i) => Panel(tape, i, scenes[i]));
  byId("main").append(...panels.map((p) => p.root));
  if (panels.length > 1) byId("main").className = "two";
  for (const name of new Set(data.tapes.flatMap((t) => t.nodes.map((n) => n.name)))) byId("names").append(make("option", { value: name }));

  function go(to) {
    at = Math.min(Math.max(to, 0), end);
    const here = stepAt(at), where = here && plain(here.tape, here.step.node);
    panels.forEach((panel, i) => panel.show(moments[at][i], at > 0 && moments[at][i] !== moments[at - 1][i], where));
    const slider = byId("slider"), what = described();
    slider.value = at;
    slider.setAttribute("aria-valuetext", what);
    byId("place").value = `step ${at} of ${end}`;
    byId("message").textContent = what;
    byId("first").disabled = byId("back").disabled = at === 0;
    byId("last").disabled = byId("next").disabled = at === end;
    reachScrolled();
    if (at === end) pause();
  }
  function reachScrolled() { // the keyboard scrolls only what it can reach
    for (const box of document.querySelectorAll("figure, .formula, .weights")) {
      if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }
  function stepAt(position) { // the step that is new at this position, of the first tape that has one
    const i = position ? data.tapes.findIndex((_, j) => moments[position][j] !== moments[position - 1][j]) : -1;
    return i < 0 ? null : { tape: data.tapes[i], step: data.tapes[i].steps[moments[position][i] - 1] };
  }
  function described() {
    const found = stepAt(at);
    if (found === null) return "the start: nothing is sent yet";
    const { tape, step } = found, last = at === end ? " The end: every gradient is complete." : "";
    return `${plain(tape, step.node)}: adjoint ${summary(tape.grids[step.g])}.${last}`;
  }
  function goToStep(number, k) { go(moments.findIndex((counts) => counts[number] === k + 1)); }
  function play() {
    if (playing) return pause();
    if (at === end) go(0);
    playing = setInterval(() => go(at + 1), 600);
    byId("play").textContent = "❚❚ pause";
    byId("play").setAttribute("aria-label", "pause");
    go(at + 1);
  }
  function pause() {
    clearInterval(playing);
    playing = null;
    byId("play").textContent = "▶ play";
    byId("play").setAttribute("aria-label", "play");
  }
  function toNamed(way) {
    let to = at + way;
    while (to > 0 && to < end && /@|#/.test(plain(stepAt(to).tape, stepAt(to).step.node))) to += way;
    go(to);
  }
  function condition(text) {
    const tight = text.replace(/\s/g, ""), compared = /^\|g\|([<>])=?(.+)$/.exec(tight);
    if (tight === "nan") return ({ tape, step }) => tape.grids[step.g].bad || step.sends.some((s) => tape.grids[s.c].bad);
    if (compared && !Number.isNaN(Number(compared[2]))) {
      return ({ tape, step }) => (compared[1] === ">" ? Number(tape.grids[step.g].n) > Number(compared[2]) : Number(tape.grids[step.g].n) < Number(compared[2]));
    }
    if (/^t=-?\d+$/.test(tight)) return ({ tape, step }) => new RegExp(`^${tight}\\b`).test(tape.nodes[step.node].where);
    if (/^op=/.test(tight)) return ({ tape, step }) => tape.nodes[step.node].op === tight.slice(3);
    return ({ tape, step }) => plain(tape, step.node) === text.trim();
  }
  function until(text) {
    const holds = condition(text);
    for (let k = 1; k <= end; k++) {
      const to = ((at + k - 1) % end) + 1;
      if (holds(stepAt(to))) return go(to);
    }
    byId("message").textContent = `No step stops at ${text}: a node's name, t=3, op=tanh, |g|>10, |g|<1e-6 or nan.`;
  }

  byId("slider").max = end;
  byId("slider").addEventListener("input", (e) => { pause(); go(Number(e.target.value)); });
  const buttons = { first: () => go(0), back: () => go(at - 1), next: () => go(at + 1), last: () => go(end) };
  for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener("click", () => { pause(); action(); });
  byId("play").addEventListener("click", play);
  byId("until").addEventListener("submit", (e) => { e.preventDefault(); pause(); until(byId("where").value); });
  for (const [id, factor] of [["smaller", 0.8], ["larger", 1.25], ["fit", "fit"]]) byId(id).addEventListener("click", () => panels.forEach((p) => p.zoom(factor)));
  byId("where").addEventListener("keydown", (e) => { if (e.key === "Escape") e.target.blur(); });
  const keys = {
    ArrowRight: () => go(at + 1), ArrowLeft: () => go(at - 1), Home: () => go(0), End: () => go(end),
    PageDown: () => toNamed(1), PageUp: () => toNamed(-1),
  };
  document.addEventListener("keydown", (e) => {
    if (e.altKey || e.ctrlKey || e.metaKey || e.shiftKey || e.target.id === "where") return;
    if (e.key === " " && !(e.target instanceof HTMLButtonElement)) { e.preventDefault(); play(); }
    if (e.key in keys) { e.preventDefault(); pause(); keys[e.key](); }
  });
  addEventListener("resize", reachScrolled);
  go(0);
})();
