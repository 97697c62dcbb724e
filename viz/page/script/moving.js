// --- moving ---------------------------------------------------------------------------------------------------------
// Who moves at each moment, a bit per tape; one tape alone always does.
const moved = data.moved ? [...data.moved].map(Number) : tapes[0].steps.map(() => 1);
const end = moved.length;
const taken = tapes.map((_, i) => {
  const counts = [0];
  for (const bits of moved) counts.push(counts.at(-1) + ((bits >> i) & 1));
  return counts;
});
const moments = tapes.map((_, i) => moved.flatMap((bits, m) => ((bits >> i) & 1 ? [m + 1] : [])));
let at = 0, playing = null;

const panels = tapes.map(Panel);
byId("main").append(...panels.map((p) => p.root));
if (panels.length > 1) byId("main").className = "two";
byId("legend").append(...[legendOfScale()].filter(Boolean));

function stepAt(position) { // the step that is new at this position, of the first tape that has one
  if (position === 0) return null;
  const i = moved[position - 1] & 1 ? 0 : 1;
  return { tape: tapes[i], step: tapes[i].steps[taken[i][position] - 1] };
}
function go(to) {
  at = Math.min(Math.max(to, 0), end);
  const here = stepAt(at), where = here && here.tape.name(here.step.node);
  panels.forEach((panel, i) => panel.show(taken[i][at], at > 0 && taken[i][at] !== taken[i][at - 1], where));
  const slider = byId("slider"), what = described();
  slider.value = at;
  slider.setAttribute("aria-valuetext", what);
  byId("place").value = `step ${at.toLocaleString("en")} of ${end.toLocaleString("en")}`;
  byId("message").textContent = what;
  byId("first").disabled = byId("back").disabled = at === 0;
  byId("last").disabled = byId("next").disabled = at === end;
  clearTimeout(resting);
  resting = setTimeout(reachScrolled, 100);
  if (at === end) pause();
}
let resting = null;
function reachScrolled() { // the keyboard scrolls only what it can reach
  for (const box of document.querySelectorAll("figure, .formula, .source")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
function described() {
  const found = stepAt(at);
  if (found === null) return "the start: nothing is sent yet";
  const { tape, step } = found, last = at === end ? " The end: every gradient is complete." : "";
  return `${tape.name(step.node)}: adjoint ${summary(tape.grid(step.g))}.${last}`;
}

// --- links: #step=28, and where a jump came from is one page back ----------------------------------------------------
let later = null;
function note(method) {
  clearTimeout(later);
  later = null;
  // a frame without an address of its own has no links
  try { history[method](null, "", `#step=${at}`); } catch { /* nothing to note it in */ }
}
function walk(to) { // a step or two
  go(to);
  // browsers count how often an address changes
  clearTimeout(later);
  later = setTimeout(() => note("replaceState"), 250);
}
function jump(to) { // far
  if (to === at) return;
  if (later !== null) note("replaceState");
  go(to);
  note("pushState");
}
function linked() { // the step that the address names
  const found = /^#step=(\d+)$/.exec(location.hash);
  return found ? Number(found[1]) : 0;
}
addEventListener("popstate", () => { pause(); go(linked()); });

function goToStep(number, k, again) { (again ? walk : jump)(moments[number][k]); }
function play() {
  if (playing) return pause();
  if (at === end) go(0);
  playing = setInterval(() => walk(at + 1), 600);
  byId("play").textContent = "❚❚ pause";
  byId("play").setAttribute("aria-label", "pause");
  walk(at + 1);
}
function pause() {
  clearInterval(playing);
  playing = null;
  byId("play").textContent = "▶ play";
  byId("play").setAttribute("aria-label", "play");
}
function toNamed(way) {
  let to = at + way;
  const named = ({ tape, step }) => !/[@#]/.test(tape.kindOf(step.node).name);
  while (to > 0 && to < end && !named(stepAt(to))) to += way;
  walk(to);
}
