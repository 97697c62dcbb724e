// --- the present graph as a file ------------------------------------------------------------------------------------
const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "font-family", "font-size", "font-weight"];

function saving(tape, graph) {
  // a notebook's frame may save nothing
  if (self !== top) return null;
  const button = (kind, save) => {
    const made = make("button", { type: "button", title: `the graph as it is now, as a .${kind.toLowerCase()}` }, kind);
    made.addEventListener("click", () => save(frameOf(tape, graph), graph.svg));
    return made;
  };
  return make("div", { class: "save", role: "group", "aria-label": "save the graph" }, button("SVG", saveSvg), button("PNG", savePng));
}
function saveBlob(blob, suffix) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: `backward-step-${at}.${suffix}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
function saveSvg(text) { saveBlob(new Blob([text], { type: "image/svg+xml" }), "svg"); }
function savePng(text, svg) { // twice as large as on the screen
  const image = new Image(), canvas = make("canvas");
  canvas.width = 2 * svg.getAttribute("width");
  canvas.height = 2 * svg.getAttribute("height");
  image.addEventListener("load", () => {
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => saveBlob(blob, "png"));
  });
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
}
// The graph with its colours inside, as a picture that stands alone.
function frameOf(tape, graph) {
  const svg = graph.svg, copy = svg.cloneNode(true);
  const originals = [...svg.querySelectorAll("rect, path, text, tspan")];
  [...copy.querySelectorAll("rect, path, text, tspan")].forEach((element, i) => {
    const style = getComputedStyle(originals[i]);
    for (const property of KEPT) element.setAttribute(property, style.getPropertyValue(property));
    element.removeAttribute("style");
  });
  for (const element of copy.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
  const { x, y } = svg.viewBox.baseVal;
  const page = draw("rect", { x, y, width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor });
  copy.prepend(draw("title", {}, `${tape.title}: ${byId("message").textContent}`), page);
  copy.setAttribute("role", "img");
  return new XMLSerializer().serializeToString(copy);
}
