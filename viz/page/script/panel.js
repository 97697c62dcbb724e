// --- one tape: its map, its graph, its step, its parameters ---------------------------------------------------------
function Panel(tape, number) {
  const goTo = (k, again) => goToStep(number, k, again);
  const graph = Graph(tape, number, goTo);
  const ruler = graph.timed && graph.layout.times.length > 1 ? Ruler(tape, graph.layout, goTo) : null;
  const weights = Weights(tape), now = make("div", { class: "now" });
  const title = make("h2", {}, tape.title);
  const root = make("section", { class: "panel", "aria-label": tape.title }, make("div", { class: "head" }, title, saving(tape, graph)),
    ruler?.root, graph.scene, make("div", { class: "below" }, now, weights.root));

  function show(count, moved, where) { // where: the node that the tapes are at, by name
    const step = moved ? tape.steps[count - 1] : null;
    const at = step?.node ?? (where === null ? tape.steps[0].node : tape.find(where));
    graph.show(count, moved, at);
    const p = at === undefined ? null : graph.layout.position(at);
    if (ruler) ruler.show(p, graph.range());
    now.replaceChildren(...(step ? told(step) : [make("p", { class: "still" }, elsewhere(where))]));
    weights.show(count, moved);
  }
  function elsewhere(where) {
    if (where === null) return `Backward starts at ${tape.name(tape.steps[0].node)}. Nothing is sent yet.`;
    const comes = tape.reached.has(tape.find(where));
    return comes ? `No step here: this tape comes by ${where} at another time.` : `No gradient reaches ${where} on this tape.`;
  }
  function told(step) {
    const { op } = tape.kindOf(step.node), name = whole(symbol(tape.parts(step.node)));
    const said = step.sends.filter((s) => s.formula.length);
    return [
      make("p", { class: "name" }, name, ` ${op === "leaf" ? "" : "= " + op} `, make("span", { class: "where" }, tape.where(step.node))),
      source(tape.kindOf(step.node).source),
      make("div", { class: "adjoint" }, heat(tape.grid(step.g), adjointNames(tape, step.node))),
      ...few(said, (s) => make("div", { class: "formula" }, formulaOf(tape, step.node, s))),
      step.sends.length ? make("h3", {}, "what it sends") : make("p", { class: "still" }, "A leaf: its adjoint is the gradient."),
      make("div", { class: "grids" }, ...few(step.sends, (s) => sent(step, s))),
    ].filter((e) => e !== null);
  }
  function source([text, start, end]) {
    if (!text) return null;
    const very = end > start ? make("u", {}, text.slice(start, end)) : null;
    return make("code", { class: "source" }, text.slice(0, start), very, text.slice(very ? end : start));
  }
  function sent(step, send) {
    const to = make("strong", {}, "to ", whole(symbol(tape.parts(send.to))), ": ");
    return send.c === step.g ? make("p", { class: "unchanged" }, to, "its own adjoint, unchanged") : heat(tape.grid(send.c), to);
  }
  return { root, show, zoom: graph.zoomBy, measure: graph.measure, tape };
}

// What is made of each; of many the middle when it is asked for.
const MAX_SENDS = 6;
function few(items, element) {
  if (items.length <= MAX_SENDS) return items.map(element);
  const half = MAX_SENDS / 2, middle = items.slice(half, -half);
  const more = make("details", { class: "more" }, make("summary", {}, `${middle.length.toLocaleString("en")} more`));
  more.addEventListener("toggle", () => {
    if (more.open && more.children.length === 1) more.append(...middle.map(element));
  });
  return [...items.slice(0, half).map(element), more, ...items.slice(-half).map(element)];
}
