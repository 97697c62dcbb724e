// --- names and formulas as MathML ---------------------------------------------------------------------------------
const math = (tag, ...children) => makeNS(MATH, tag, {}, ...children);
const whole = (...children) => makeNS(MATH, "math", {}, ...children);

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
  const over = math("mrow", math("mo", "∂"), symbol(tape.loss));
  return math("mfrac", over, math("mrow", math("mo", "∂"), symbol(tape.parts(node))));
}
// The adjoint of a node, and by which other name the formulas call it.
function adjointNames(tape, node) {
  const names = [adjoint(tape, node), math("mo", "=")];
  if (tape.owner(node) !== node) names.push(adjoint(tape, tape.owner(node)), math("mo", "="));
  return whole(...names);
}
// A formula's references: to an input by its number, to the value y, to the adjoint g.
function resolved(tape, node, { to, formula }) {
  const [same, ...pieces] = formula;
  const refer = (piece) => {
    if (piece === "g") return { adjoint: tape.owner(node) };
    return { node: piece === "y" ? node : tape.inputs[node][Number(piece)] };
  };
  const target = { adjoint: same ? to : tape.owner(to) };
  return [target, same ? "=" : "+=", ...pieces.map((piece, i) => (i % 2 ? refer(piece) : piece))];
}
const TOKEN = /\s+|[\p{L}_]+(?<![ᵀ])|\d+(?:\.\d+)?(?:e[-+]?\d+)?|⁻¹|[ᵀ²]|./gu;
const RAISED = { "⁻¹": "−1", "ᵀ": "⊤", "²": "2" };

function formulaOf(tape, node, send) {
  const pieces = resolved(tape, node, send);
  const row = [];
  for (const piece of pieces) {
    if (piece.adjoint !== undefined) row.push(adjoint(tape, piece.adjoint));
    else if (piece.node !== undefined) row.push(symbol(tape.parts(piece.node)));
    else if (piece === "+=") row.push(math("mo", piece));
    else for (const token of piece.match(TOKEN) ?? []) addToken(row, token);
  }
  return makeNS(MATH, "math", { display: "block", "aria-label": spoken(tape, pieces) }, ...row);
}
function addToken(row, token) {
  if (!token.trim()) return;
  if (token in RAISED) row.push(math("msup", row.pop(), math("mn", RAISED[token])));
  else if (/^\d/.test(token)) row.push(math("mn", token));
  else if (/^[\p{L}_]/u.test(token)) row.push(math("mi", token));
  else row.push(makeNS(MATH, "mo", "()[]".includes(token) ? { stretchy: "false" } : {}, token === "-" ? "−" : token));
}
function spoken(tape, [target, sign, ...rest]) {
  const loss = tape.loss.map((p) => p[0]).join("_");
  const say = (piece) => {
    if (piece.adjoint !== undefined) return `d${loss}/d${tape.name(piece.adjoint)}`;
    return piece.node === undefined ? piece : tape.name(piece.node);
  };
  return `${say(target)} ${sign} ${rest.map(say).join("")}`;
}
