// The data, as viz/page/steps.py writes it: nodes, steps and references at once, numbers when they are shown.
const data = JSON.parse(byId("data").textContent);

// --- numbers: three bytes each, as viz/page/numbers.py packs them -------------------------------------------------
const SPECIAL = { 16777215: "nan", 16777214: "inf", 16777213: "-inf" };

function unpacked(base64) {
  const octets = atob(base64);
  const octet = (i) => octets.charCodeAt(i);
  return (i) => (octet(3 * i) << 16) | (octet(3 * i + 1) << 8) | octet(3 * i + 2);
}
const mantissaOf = (code) => (code % 20000) - 10000;
const exponentOf = (code) => Math.floor(code / 20000) - 324;

function valueOf(code) {
  if (code in SPECIAL) return { nan: NaN, inf: Infinity, "-inf": -Infinity }[SPECIAL[code]];
  // four digits of the largest number are more than it
  const largest = Number.MAX_VALUE;
  return Math.max(-largest, Math.min(largest, Number(`${mantissaOf(code)}e${exponentOf(code) - 3}`)));
}
// Four digits, as Python's "%.4g".
function textOf(code) {
  if (code in SPECIAL) return SPECIAL[code];
  const mantissa = mantissaOf(code), exponent = exponentOf(code);
  if (mantissa === 0) return "0";
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < 4) return short(valueOf(code).toFixed(3 - exponent));
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${short((mantissa / 1000).toFixed(3))}e${exponent < 0 ? "-" : "+"}${power}`;
}

// --- one tape -----------------------------------------------------------------------------------------------------
const TIME = "\ue002";

function Tape(raw) {
  const kinds = raw.kinds, kindOf = (i) => kinds[raw.kind[i]];
  const columns = raw.columns.flatMap(([t, count]) => Array(count).fill(t));
  let k = 0;
  const inputs = raw.kind.map((kind, i) => kinds[kind].edges.map(() => i - raw.back[k++]));
  const readers = raw.kind.map(() => []);
  inputs.forEach((sources, i) => sources.forEach((x, slot) => readers[x].push([i, slot])));
  const timed = (text, i) => text.replaceAll(TIME, columns[i]);
  const named = new Map();
  const tape = {
    title: raw.title, loss: raw.loss, weights: raw.weights, broken: new Set(raw.broken),
    count: raw.kind.length, columns, inputs, readers, kindOf,
    name: (i) => timed(kindOf(i).name, i),
    parts: (i) => kindOf(i).parts.map(([text, lowered]) => [timed(text, i), lowered]),
    where: (i) => timed(kindOf(i).where, i),
    written: (i) => kindOf(i).spot[3].map(([text, lowered]) => [timed(text, i), lowered]),
    time: (i) => (kindOf(i).outside ? null : columns[i]),
    owner: (i) => i - kindOf(i).own,
    find(name) { // the node of that name
      if (!named.size) for (let i = 0; i < tape.count; i++) named.set(tape.name(i), i);
      return named.get(name);
    },
  };
  Object.assign(tape, Arrays(raw), Steps(raw, tape));
  tape.norms = tape.steps.map((step) => tape.norm(step.g));
  return tape;
}

function Arrays(raw) {
  const code = unpacked(raw.numbers), starts = [];
  let start = 0;
  for (const shape of raw.shape) {
    const [, rows, columns, block] = raw.shapes[shape];
    starts.push(start);
    start += rows * columns + (block ? 4 : 1);
  }
  const norm = (g) => valueOf(code(starts[g]));
  const normText = (g) => textOf(code(starts[g]));
  function grid(g) {
    const [shape, rows, columns, block] = raw.shapes[raw.shape[g]];
    const first = starts[g] + (block ? 4 : 1);
    const codes = Array.from({ length: rows * columns }, (_, i) => code(first + i));
    const found = { shape, rows, columns, block, norm: normText(g), codes, bad: 0 };
    const finite = codes.filter((c) => !(c in SPECIAL));
    found.bad = block ? code(starts[g] + 3) : codes.length - finite.length;
    if (block) [found.low, found.high] = [1, 2].map((i) => textOf(code(starts[g] + i)));
    else if (finite.length && codes.length > 1) {
      const sorted = finite.sort((a, b) => valueOf(a) - valueOf(b));
      [found.low, found.high] = [textOf(sorted[0]), textOf(sorted.at(-1))];
    }
    return found;
  }
  return { norm, normText, grid };
}

function Steps(raw, tape) {
  const isWeight = new Set(raw.weights), shares = unpacked(raw.shares);
  let node = tape.count, fresh = 0, reference = 0, share = 0;
  const next = () => {
    const back = raw.refs[reference++];
    return back ? fresh - back : fresh++;
  };
  const steps = raw.steps.map((back) => {
    node -= back;
    const step = { node, g: next(), sends: [] };
    for (const [slot, formula] of tape.kindOf(node).sends) {
      const send = { slot, formula, to: tape.inputs[node][slot], c: next() };
      if (isWeight.has(send.to)) Object.assign(send, { sum: next(), share: shares(share++) });
      step.sends.push(send);
    }
    return step;
  });
  const stepOf = new Map(steps.map((step, k) => [step.node, k]));
  const arrival = new Map(); // the first step that sends something to a node
  steps.forEach((step, k) => step.sends.forEach(({ to }) => arrival.has(to) || arrival.set(to, k)));
  arrival.set(steps[0].node, -1);
  const reached = new Set([...stepOf.keys(), ...raw.reached]);
  return { steps, stepOf, arrival, reached };
}

const tapes = data.tapes.map(Tape);
