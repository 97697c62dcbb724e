// --- where the nodes stand: the steps around the current one, the rest folded left and right -----------------------
const ROW = 50, GAP = 8, SIDE = 32, TOP = 34, HIGH = 26, FOLD = 88; // pixels
const MAX_NODES = 320; // drawn at a time

function Layout(tape) {
  const times = [...new Set(tape.columns)].filter((t) => t !== null).sort((a, b) => a - b);
  const index = new Map(times.map((t, p) => [t, p]));
  const members = times.map(() => []), outside = [];
  for (let i = 0; i < tape.count; i++) {
    if (!tape.kindOf(i).spot) continue;
    if (tape.columns[i] === null) outside.push(i);
    else members[index.get(tape.columns[i])].push(i);
  }
  const reach = (nodes) => Math.max(0, ...nodes.map((i) => {
    const [across, , width] = tape.kindOf(i).spot;
    return Math.abs(across) + (width + GAP) / 2;
  }));
  const widths = members.map((nodes) => 2 * reach(nodes) + SIDE);
  const outsideWidth = outside.length ? 2 * reach(outside) + SIDE : 0;
  const total = outsideWidth + SIDE + widths.reduce((a, b) => a + b, 0);

  // The first and last position that are drawn around p in so much room, at least one step on either side.
  function around(p, room) {
    let [a, b] = [p, p];
    if (total <= room && members.flat().length <= MAX_NODES) return [0, times.length - 1];
    let left = room - outsideWidth - SIDE - 2 * FOLD - widths[p], count = members[p].length;
    for (;;) {
      const back = a > 0 && (b === times.length - 1 || p - a <= b - p);
      const next = back ? a - 1 : b + 1;
      if (next < 0 || next >= times.length) return [a, b];
      const first = back ? a === p : b === p;
      count += members[next].length;
      left -= widths[next];
      if (!first && (left < 0 || count > MAX_NODES)) return [a, b];
      if (back) a = next;
      else b = next;
    }
  }
  // The least that is drawn around p.
  const least = (p) => outsideWidth + SIDE + 2 * FOLD + widths.slice(Math.max(p - 1, 0), p + 2).reduce((x, y) => x + y, 0);

  // Where a node of a step stands is the same whichever steps are drawn beside it, so that what is drawn stays.
  const middles = [];
  widths.reduce((x, width) => {
    middles.push(x + width / 2);
    return x + width;
  }, 0);
  const level = (row) => -(row + 0.5) * ROW;
  const stand = (i, middle) => {
    const [across, row, width] = tape.kindOf(i).spot;
    return { x: middle + across, y: level(row), width };
  };
  const fixed = members.map((nodes, p) => nodes.map((i) => [i, stand(i, middles[p])]));

  // The places of what is drawn of the positions from a to b.
  function place(a, b) {
    const labels = [], folds = {};
    let left = (middles[a] ?? 0) - (widths[a] ?? 0) / 2, right = (middles[b] ?? 0) + (widths[b] ?? 0) / 2;
    if (a > 0) folds.left = { x: (left -= FOLD), width: FOLD - SIDE / 2, from: 0, to: a - 1 };
    const loose = outside.map((i) => [i, stand(i, left - outsideWidth / 2)]);
    left -= outsideWidth;
    for (let p = a; p <= b; p++) labels.push({ t: times[p], x: middles[p] });
    if (b < times.length - 1) {
      folds.right = { x: right + SIDE / 2, width: FOLD - SIDE / 2, from: b + 1, to: times.length - 1 };
      right += FOLD;
    }
    const spots = new Map([...loose, ...fixed.slice(a, b + 1).flat()]);
    return { spots, labels, folds, left: left - SIDE / 2, width: right - left + SIDE, height: heightOf([...spots.keys()]) };
  }
  const heightOf = (nodes) => TOP + ROW * (1 + Math.max(0, ...nodes.map((i) => tape.kindOf(i).spot[1])));
  const position = (i) => (tape.columns[i] === null ? null : index.get(tape.columns[i]));
  const side = (i, a, b) => (position(i) === null ? null : position(i) < a ? "left" : position(i) > b ? "right" : null);
  return { times, members, around, least, heightOf, place, level, position, side };
}

// From a up to b; from one column to another in a bow.
const MAX_STRAIGHT = 140, SAME_COLUMN = 30, DETOUR = 40;
function curve(a, b) {
  const round = Math.round, top = a.y - HIGH / 2, bottom = b.y + HIGH / 2, across = Math.abs(a.x - b.x);
  const cubic = (...points) => `M${points[0].map(round).join(" ")}C${points.slice(1).map((p) => p.map(round).join(" ")).join(" ")}`;
  if (across < MAX_STRAIGHT && a.y > b.y) {
    if (a.y - b.y > 1.5 * ROW && across < SAME_COLUMN) { // past what stands between them
      const x = Math.max(a.x, b.x) + DETOUR;
      return cubic([a.x, top], [x, a.y], [x, b.y], [b.x, bottom]);
    }
    const y = (a.y + b.y) / 2;
    return cubic([a.x, top], [a.x, y], [b.x, y], [b.x, bottom]);
  }
  if (b.x < a.x) {
    const end = b.x + b.width / 2;
    return `M${round(a.x)} ${round(top)}Q${round(a.x)} ${round(b.y)} ${round(end)} ${round(b.y)}`;
  }
  const start = a.x + a.width / 2, end = b.x - b.width / 2;
  const bend = Math.max(30, Math.min(90, Math.abs(end - start) / 2));
  return cubic([start, a.y], [start + bend, a.y], [end - bend, b.y], [end, b.y]);
}
