// --- stop at ----------------------------------------------------------------------------------------------------------
function condition(text) {
  const tight = text.replace(/\s/g, ""), compared = /^\|g\|([<>])=?(.+)$/.exec(tight);
  if (tight === "nan") return ({ tape, step }) => [step.g, ...step.sends.map((s) => s.c)].some((g) => !Number.isFinite(tape.norm(g)));
  if (compared && !Number.isNaN(Number(compared[2]))) {
    const [, sign, limit] = compared;
    return ({ tape, step }) => (sign === ">" ? tape.norm(step.g) > Number(limit) : tape.norm(step.g) < Number(limit));
  }
  if (/^t=-?\d+$/.test(tight)) return ({ tape, step }) => tape.time(step.node) === Number(tight.slice(2));
  if (/^op=/.test(tight)) return ({ tape, step }) => tape.kindOf(step.node).op === tight.slice(3);
  return ({ tape, step }) => tape.name(step.node) === text.trim();
}
function until(text) {
  const holds = condition(text);
  for (let k = 1; k <= end; k++) {
    const to = ((at + k - 1) % end) + 1;
    if (holds(stepAt(to))) return jump(to);
  }
  byId("message").textContent = `No step stops at ${text}: a node's name, t=3, op=tanh, |g|>10, |g|<1e-6 or nan.`;
}
const MAX_OFFERED = 50;
function offerNames() { // the names that hold what is typed
  const typed = byId("where").value, offered = new Set();
  for (const tape of tapes) for (const step of tape.steps) {
    if (offered.size < MAX_OFFERED && tape.name(step.node).includes(typed)) offered.add(tape.name(step.node));
  }
  byId("names").replaceChildren(...[...offered].map((value) => make("option", { value })));
}

// --- the controls -----------------------------------------------------------------------------------------------------
byId("slider").max = end;
byId("slider").addEventListener("input", (e) => { pause(); walk(Number(e.target.value)); });
const buttons = { first: () => jump(0), back: () => walk(at - 1), next: () => walk(at + 1), last: () => jump(end) };
for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener("click", () => { pause(); action(); });
byId("play").addEventListener("click", play);
byId("until").addEventListener("submit", (e) => { e.preventDefault(); pause(); until(byId("where").value); });
byId("where").addEventListener("focus", offerNames);
byId("where").addEventListener("input", offerNames);
byId("where").addEventListener("keydown", (e) => { if (e.key === "Escape") e.target.blur(); });
for (const [id, factor] of [["smaller", 0.8], ["larger", 1.25], ["fit", "fit"]]) {
  byId(id).addEventListener("click", () => { panels.forEach((p) => p.zoom(factor)); go(at); });
}
const keys = {
  ArrowRight: () => walk(at + 1), ArrowLeft: () => walk(at - 1), Home: () => jump(0), End: () => jump(end),
  PageDown: () => toNamed(1), PageUp: () => toNamed(-1),
};
document.addEventListener("keydown", (e) => {
  if (e.altKey || e.ctrlKey || e.metaKey || e.shiftKey || e.target.id === "where") return;
  if (e.key === " " && !(e.target instanceof HTMLButtonElement)) { e.preventDefault(); play(); }
  if (e.key in keys) { e.preventDefault(); pause(); keys[e.key](); }
});
let width = innerWidth;
addEventListener("resize", () => {
  // the address bar of a telephone changes the height alone
  if (width !== innerWidth) {
    for (const panel of panels) panel.measure();
    go(at);
    reachScrolled();
  }
  width = innerWidth;
});
go(linked());
