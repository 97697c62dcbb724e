// --- the graph of one tape: drawn where the window moves, else only what changed ------------------------------------
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

function Graph(tape, number, goTo) {
  const layout = Layout(tape);
  const scene = make("div", { class: "scene", role: "group", "aria-label": "the unrolled graph, scrollable", tabindex: "0" });
  const [marks, arrows, boxes] = ["marks", "arrows", "boxes"].map(() => draw("g", {}));
  const svg = draw("svg", { role: "group", "aria-label": "the unrolled graph" }, marks, arrows, boxes);
  scene.append(svg);
  const nodes = new Map(), edges = new Map();
  let drawn = null, zoom = null, frame = null;
  const kindOfEdge = (i, slot) => tape.kindOf(i).edges[slot];
  const timed = tape.columns.some((_, i) => tape.time(i) !== null);

  function lettering(parts) {
    let low = false;
    return parts.map(([text, lowered]) => {
      const move = 4 * (lowered - low);
      low = lowered;
      // text alone is laid out faster
      return move || lowered ? draw("tspan", { dy: move, ...(lowered ? { "font-size": 10 } : {}) }, text) : text;
    });
  }
  function nodeElement(i, spot) {
    const kind = tape.kindOf(i), isOp = kind.class !== "parameter" && kind.class !== "leaf";
    const plain = isOp && /[@#]|^[a-z_]+$/.test(tape.name(i)) && tape.written(i).length === 1;
    const box = draw("rect", { x: -spot.width / 2, y: -HIGH / 2, width: spot.width, height: HIGH, rx: plain ? HIGH / 2 : 4 });
    const text = draw("text", { y: 4, "text-anchor": "middle" }, ...lettering(tape.written(i)));
    const element = draw("g", { id: `t${number}n${i}`, tabindex: -1 }, draw("title", {}, `${tape.name(i)}: ${kind.type} by ${kind.op} [${tape.where(i)}]`), box, text);
    const k = tape.stepOf.get(i);
    element.setAttribute("role", k === undefined ? "img" : "button");
    // what is seen comes first, for who says it to be understood
    const seen = text.textContent, name = tape.name(i);
    element.setAttribute("aria-label", seen === name ? name : `${seen}, ${name}`);
    if (k !== undefined) element.addEventListener("click", () => goTo(k));
    return { element, box, base: `node ${kind.class}${kind.cut ? " scissors" : ""}` };
  }
  function foldElement(side, { x, width, from, to }, top) {
    const [first, last] = [layout.times[from], layout.times[to]];
    const inside = layout.members.slice(from, to + 1).flat();
    const cuts = inside.filter((i) => tape.kindOf(i).cut).length;
    const bad = inside.some((i) => tape.stepOf.has(i) && !Number.isFinite(tape.norms[tape.stepOf.get(i)]));
    const steps = to - from + 1;
    const lines = timed ? [`t = ${first}`, ...(steps > 1 ? [`to ${last}`, `${steps} steps`] : [])] : [`${inside.length} nodes`];
    if (cuts) lines.push(`✂ ×${cuts}`);
    if (bad) lines.push("not finite");
    const text = lines.map((line, k) => draw("tspan", { x: x + width / 2, dy: k ? 18 : 0 }, line));
    const element = draw("g", { class: "fold", role: "button", tabindex: -1, "aria-label": `folded: ${lines.join(", ")}` },
      draw("rect", { x, y: top + TOP - 10, width, height: -top - TOP - 4, rx: 8 }),
      draw("text", { x: x + width / 2, y: (top + TOP) / 2 - 9 * (lines.length - 1), "text-anchor": "middle" }, ...text));
    const near = layout.members[side === "left" ? to : from].filter((i) => tape.stepOf.has(i));
    if (near.length) element.addEventListener("click", () => goTo(tape.stepOf.get(near.at(-1))));
    return element;
  }

  // An edge of two nodes that are drawn, or from one to the fold that hides the other; one for all alike.
  function edgesOf({ spots, folds, height }, a, b) {
    const found = new Map(), highest = TOP - 6 - height; // below the labels
    const add = (n, slot, tail, head, key) => {
      const id = `t${number}e${n}_${slot}`;
      key ??= id;
      if (!found.has(key)) found.set(key, { id, kind: kindOfEdge(n, slot), tail, head, uses: [] });
      const sends = tape.stepOf.has(n) && tape.kindOf(n).sends.some((send) => send[0] === slot);
      if (sends) found.get(key).uses.push(tape.stepOf.get(n));
    };
    const stub = (i, n, slot, hidden) => {
      const side = layout.side(hidden, a, b), fold = folds[side];
      if (!fold || !tape.kindOf(hidden).spot) return;
      const there = { x: fold.x + fold.width / 2, y: Math.max(layout.level(tape.kindOf(hidden).spot[1]), highest), width: fold.width };
      const here = spots.get(i), isInput = hidden !== n;
      const key = `${i} ${side} ${kindOfEdge(n, slot)} ${isInput}`;
      if (isInput) add(n, slot, there, here, key);
      else add(n, slot, here, there, key);
    };
    for (const [i, spot] of spots) {
      tape.inputs[i].forEach((x, slot) => {
        if (spots.has(x)) add(i, slot, spots.get(x), spot);
        else stub(i, i, slot, x);
      });
      if (tape.columns[i] === null) continue;
      for (const [n, slot] of tape.readers[i]) if (!spots.has(n)) stub(i, n, slot, n);
    }
    return found;
  }

  // Draws the positions from a to b: what was drawn already stays, and moves where it has to.
  function redraw(a, b) {
    const places = layout.place(a, b), top = -places.height, { spots } = places;
    for (const [i, { element }] of nodes) {
      if (spots.has(i)) continue;
      element.remove();
      nodes.delete(i);
    }
    const added = [];
    for (const [i, spot] of spots) {
      if (!nodes.has(i)) {
        nodes.set(i, nodeElement(i, spot));
        added.push(nodes.get(i).element);
      }
      update(nodes.get(i).element, "transform", `translate(${Math.round(spot.x)} ${Math.round(spot.y)})`);
    }
    boxes.append(...added);
    const wanted = edgesOf(places, a, b);
    for (const [key, { element }] of edges) {
      if (wanted.has(key)) continue;
      element?.remove();
      edges.delete(key);
    }
    for (const [key, edge] of wanted) edges.set(key, { ...edge, element: edges.get(key)?.element });
    for (const { element, tail, head } of edges.values()) if (element) update(element, "d", curve(tail, head));
    const labels = timed ? places.labels.map(({ t, x }) => draw("text", { class: "step", x, y: top + 16, "text-anchor": "middle" }, `t = ${t}`)) : [];
    const folds = Object.entries(places.folds).map(([side, fold]) => foldElement(side, fold, top));
    marks.replaceChildren(...labels, ...folds);
    svg.setAttribute("viewBox", `${places.left} ${top} ${places.width} ${places.height}`);
    drawn = { a, b, ...places };
    resize();
  }
  function resize() {
    svg.setAttribute("width", Math.round(drawn.width * zoom));
    svg.setAttribute("height", Math.round(drawn.height * zoom));
  }

  // count: steps taken; at: the node that the tapes are at, of this one or of the other
  function show(count, moved, at) {
    const current = moved ? tape.steps[count - 1].node : null;
    const middle = current ?? at ?? tape.steps[0].node;
    const p = layout.position(middle) ?? (drawn && drawn.p) ?? Math.max(layout.times.length - 1, 0);
    frame ??= { width: scene.clientWidth || 1000, height: innerHeight * 0.56 };
    // a page of a tape without steps is seen whole
    const room = timed ? Infinity : (frame.height - 4) / layout.heightOf(layout.members.flat());
    zoom ??= Math.min(1, Math.max(0.75, Math.min(frame.width / layout.least(p), room)));
    const [a, b] = layout.times.length ? layout.around(p, frame.width / zoom) : [0, -1];
    if (!drawn || drawn.a !== a || drawn.b !== b) redraw(a, b);
    drawn.p = p;
    for (const [i, node] of nodes) {
      const state = stateOf(i, count, current);
      if (node.state !== state) dress(node, i, state);
      update(node.element, "tabindex", i === current || (current === null && i === middle) ? "0" : "-1");
    }
    const added = [];
    for (const edge of edges.values()) {
      const lit = moved && edge.uses.includes(count - 1), done = edge.uses.some((k) => k < count);
      if (edge.kind === "tied" && !lit) { // seen only while something is sent along it
        edge.element?.remove();
        edge.element = null;
        continue;
      }
      if (!edge.element) {
        edge.element = draw("path", { id: edge.id, d: curve(edge.tail, edge.head) });
        added.push(edge.element);
      }
      update(edge.element, "class", `edge ${edge.kind}${lit ? " lit" : done ? " done" : ""}`);
    }
    arrows.append(...added);
    const spot = drawn.spots.get(middle);
    // scrolling asks for the layout: once, after all panels have changed
    if (spot) requestAnimationFrame(() => follow(spot));
  }
  function dress(node, i, state) {
    const norm = tape.norms[tape.stepOf.get(i)], bad = state === "visited" && !Number.isFinite(norm);
    node.state = state;
    node.element.setAttribute("class", `${node.base} ${state}${bad ? " bad" : ""}`);
    node.box.style.fillOpacity = state === "visited" && !bad ? deep(shareOf(norm)) : "";
  }
  function stateOf(i, count, current) {
    if (i === current) return "current";
    if (tape.stepOf.has(i) && tape.stepOf.get(i) < count) return "visited";
    if (!tape.reached.has(i)) return "unreached";
    return (tape.arrival.get(i) ?? Infinity) < count ? "waiting" : "ahead";
  }
  function follow({ x, y }) {
    if (drawn.width * zoom <= frame.width && drawn.height * zoom <= frame.height) return;
    scene.scrollTo({ left: (x - drawn.left) * zoom - frame.width / 2, top: (y + drawn.height) * zoom - frame.height / 2, behavior: calm || playing ? "auto" : "smooth" });
  }
  function zoomBy(factor) {
    const fit = Math.min(frame.width / layout.least(drawn.p), frame.height / drawn.height, 1);
    zoom = factor === "fit" ? fit : Math.min(Math.max(zoom * factor, 0.1), 3);
    resize();
  }
  const measure = () => { frame = null; }; // measuring is slow: only when the window changes
  const range = () => (layout.times.length ? [layout.times[drawn.a], layout.times[drawn.b]] : null);
  const node = (i) => nodes.get(i)?.element;
  steer(scene, () => nodes, () => [...scene.querySelectorAll(".node, .fold")]);
  return { scene, layout, show, zoomBy, measure, range, node, svg, timed };
}

// The keyboard within a graph: arrows from node to node, Enter goes to the step of one, Escape leaves.
function steer(scene, nodes, all) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  scene.addEventListener("mousedown", (e) => { if (e.target.closest(".node, .fold")) e.preventDefault(); });
  scene.addEventListener("keydown", (e) => {
    const here = e.target.closest(".node, .fold");
    if (!here || e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
    if (e.key === "Enter" || e.key === " ") here.dispatchEvent(new MouseEvent("click"));
    else if (e.key === "Escape") scene.focus();
    else if (e.key in ways) nearest(here, all(), ways[e.key])?.focus();
    else return;
    e.preventDefault();
    e.stopPropagation();
  });
}
function nearest(here, others, [right, down]) {
  const middle = (element) => {
    const box = element.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = middle(here);
  let best = null, least = Infinity;
  for (const other of others) {
    const [dx, dy] = middle(other).map((v, i) => v - [x, y][i]);
    const along = dx * right + dy * down, off = Math.abs(dx * down) + Math.abs(dy * right);
    if (other !== here && along > 1 && along + 3 * off < least) [best, least] = [other, along + 3 * off];
  }
  return best;
}
