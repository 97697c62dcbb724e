// --- the gradients of the parameters as they grow, one bar per time step --------------------------------------------
const MAX_BARS = 50, MAX_TOLD = 12;

function Weights(tape) {
  const timed = tape.weights.some((w) => tape.readers[w].some(([n]) => tape.time(n) !== null));
  const list = make("div", { class: "weights" }), sum = make("div", { class: "sum" });
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

function Card(tape, weight, grown) {
  // what lies outside the steps comes last
  const order = (t) => (t === null ? Infinity : t);
  const times = [...new Set(tape.readers[weight].map(([n]) => tape.time(n)))].sort((a, b) => order(a) - order(b));
  const index = new Map(times.map((t, i) => [t, i])), size = Math.ceil(times.length / MAX_BARS);
  const bins = Array.from({ length: Math.ceil(times.length / size) }, (_, i) => times.slice(i * size, (i + 1) * size));
  const bars = make("div", { class: "bars", role: "img" }), total = make("span");
  const root = make("div", { class: "weight" }, make("div", {}, whole(symbol(tape.parts(weight))), " ", total), bars);
  const slots = bins.map((bin, i) => {
    const label = bins.length <= MAX_TOLD || i % 5 === 0 ? `${bin[0] ?? "–"}` : "";
    const slot = make("div", { class: "slot" }, make("span", { class: "tick" }, label));
    bars.append(slot);
    return { slot, told: "" };
  });
  const name = tape.name(weight);
  let before = "";

  function show(count, moved) {
    const arrived = grown.filter(({ k }) => k < count), last = arrived.at(-1);
    const fresh = moved && last?.k === count - 1, end = count === tape.steps.length;
    const now = `${arrived.length} ${fresh} ${end}`;
    if (now !== before) refresh(arrived, fresh, end);
    before = now;
    return last;
  }
  function refresh(arrived, fresh, end) {
    const each = new Map(arrived.map((use) => [use.t, use])), last = arrived.at(-1);
    bins.forEach((bin, i) => {
      const uses = bin.map((t) => each.get(t)).filter(Boolean);
      fillSlot(slots[i], bin, uses, fresh && bin.includes(last.t), end);
    });
    const norm = last && tape.grid(last.sum).norm, steps = `${each.size} step${each.size === 1 ? "" : "s"}`;
    total.textContent = last ? `norm ${norm} of ${steps}` : "nothing yet";
    const told = times.map((t) => `t=${t ?? "outside"} ${each.has(t) ? textOf(each.get(t).share) : "none"}`);
    bars.setAttribute("aria-label", `${name}: ${times.length <= MAX_TOLD ? told.join(", ") : total.textContent}`);
    root.className = fresh ? "weight growing" : last ? "weight" : "weight empty";
  }
  return { root, show, weight };
}
// Only where that changes what it tells: what is laid out again takes time.
function fillSlot(known, bin, uses, fresh, end) {
  const { slot } = known, when = bin.length > 1 ? `t = ${bin[0]} to ${bin.at(-1) ?? "outside"}, largest` : `t = ${bin[0] ?? "outside the steps"}`;
  const bad = uses.find(({ share }) => share in SPECIAL);
  const top = bad ?? uses.reduce((a, b) => (a && valueOf(a.share) >= valueOf(b.share) ? a : b), null);
  const never = !top && end;
  const told = `${top?.share} ${fresh} ${never}`;
  if (known.told === told) return;
  known.told = told;
  slot.title = `${when}: ${top ? "norm " + textOf(top.share) : never ? "no gradient arrives" : "nothing yet"}`;
  slot.querySelector(".bar, .none")?.remove();
  if (never) slot.prepend(make("div", { class: "none" }, "×"));
  if (!top) return;
  const bar = make("div", { class: `bar${bad ? " bad" : fresh ? " new" : ""}` });
  bar.style.height = `${bad ? 44 : Math.max(44 * shareOf(valueOf(top.share)), 1)}px`;
  slot.prepend(bar);
}
