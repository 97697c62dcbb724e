// --- the map: all time steps, the norm of what reaches each ---------------------------------------------------------
const RULER = 100; // the height of its scale

function Ruler(tape, layout, goTo) {
  const { times, members } = layout, count = times.length;
  const entries = members.map((nodes) => nodes.filter((i) => tape.stepOf.has(i)));
  const norms = entries.map((nodes) => {
    const states = nodes.filter((i) => tape.kindOf(i).state), of = states.length ? states : nodes;
    return of.length ? Math.hypot(...of.map((i) => tape.norms[tape.stepOf.get(i)])) : 0;
  });
  const bad = entries.map((nodes) => nodes.some((i) => !Number.isFinite(tape.norms[tape.stepOf.get(i)])));
  const broken = times.map((t) => tape.broken.has(t));
  const cut = members.map((nodes) => nodes.some((i) => tape.kindOf(i).cut));
  const where = (p) => {
    const facts = [entries[p].length ? `norm ${two(norms[p])}` : "no gradient arrives"];
    if (cut[p]) facts.push("cut");
    if (bad[p]) facts.push("not finite");
    if (broken[p]) facts.push("its values are not finite");
    return `t = ${times[p]}: ${facts.join(", ")}`;
  };
  const bars = (chosen, height) => times.map((_, p) => (chosen(p) ? `M${p} ${RULER}V${RULER - height(p)}h${count > 200 ? 1 : 0.85}V${RULER}z` : "")).join("");
  const window_ = draw("rect", { class: "window", y: 0, height: RULER });
  const here = draw("rect", { class: "here", y: 0, height: RULER, width: 1 });
  const lines = times.map((_, p) => (cut[p] ? `M${p} 0V${RULER}` : "")).join("");
  const svg = draw("svg", { viewBox: `0 0 ${count} ${RULER}`, preserveAspectRatio: "none", "aria-hidden": "true" }, window_,
    draw("path", { class: "norms", d: bars((p) => norms[p] > 0 && !bad[p], (p) => RULER * shareOf(norms[p])) }),
    draw("path", { class: "bad", d: bars((p) => bad[p] || broken[p], () => RULER) }),
    here, draw("path", { class: "cuts", d: lines }));
  const title = make("span", { class: "about" });
  const root = make("div", {
    class: "ruler", role: "slider", tabindex: 0, "aria-label": "time step", "aria-valuemin": times[0], "aria-valuemax": times.at(-1),
  }, svg, ...ticks());
  const caption = make("p", { class: "caption" }, `norm of the adjoints of each step, ${two(10 ** scale.low)} to ${two(10 ** scale.high)} (log)`,
    cut.some(Boolean) ? make("span", { class: "cutmark" }, ` ✂ ×${cut.filter(Boolean).length}`) : null,
    bad.some(Boolean) || broken.some(Boolean) ? make("span", { class: "badmark" }, ` not finite ×${times.filter((_, p) => bad[p] || broken[p]).length}`) : null,
    " · ", title);
  let at = count - 1;

  function ticks() {
    const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000].find((s) => count / s <= 10) ?? Math.ceil(count / 10);
    return times.flatMap((t, p) => {
      if ((t % step && p) || (p && p < step / 2)) return [];
      const tick = make("span", { class: "tick", "aria-hidden": "true" }, `${t}`);
      tick.style.left = `${(100 * (p + 0.5)) / count}%`;
      return [tick];
    });
  }
  function jump(p, again) { // to the step where backward comes to this time step
    at = Math.min(Math.max(p, 0), count - 1);
    const near = entries[at].length ? at : times.findIndex((_, q) => q > at && entries[q].length);
    if (near >= 0) goTo(Math.min(...entries[near].map((i) => tape.stepOf.get(i))), again);
  }
  const positionAt = (e) => {
    const box = svg.getBoundingClientRect();
    return Math.floor((count * (e.clientX - box.left)) / box.width);
  };
  let dragged = false;
  root.addEventListener("pointerdown", (e) => {
    dragged = true;
    root.setPointerCapture(e.pointerId);
    jump(positionAt(e));
  });
  root.addEventListener("pointermove", (e) => {
    title.textContent = where(Math.min(Math.max(positionAt(e), 0), count - 1));
    if (dragged && positionAt(e) !== at) jump(positionAt(e), true);
  });
  for (const kind of ["pointerup", "pointercancel"]) root.addEventListener(kind, () => { dragged = false; });
  root.addEventListener("pointerleave", () => { title.textContent = where(at); });
  const page = Math.max(Math.round(count / 10), 1);
  const keys = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: page, PageDown: -page, Home: -count, End: count };
  root.addEventListener("keydown", (e) => {
    if (!(e.key in keys) || e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    e.stopPropagation();
    jump(at + keys[e.key], true);
  });
  function show(p, [first, last]) { // p: null outside the steps
    update(here, "visibility", p === null ? "hidden" : "visible");
    p ??= times.indexOf(last);
    at = p;
    update(here, "x", String(p));
    update(window_, "x", String(times.indexOf(first)));
    update(window_, "width", String(times.indexOf(last) - times.indexOf(first) + 1));
    update(root, "aria-valuenow", String(times[p]));
    update(root, "aria-valuetext", where(p));
    title.textContent = where(p);
  }
  return { root: make("div", { class: "map" }, root, caption), show };
}
