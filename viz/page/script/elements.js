// Elements are made, never parsed: a name is only ever text.
const MATH = "http://www.w3.org/1998/Math/MathML";
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((c) => c !== null && c !== undefined));
  return element;
}
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
function makeNS(space, tag, attributes = {}, ...children) {
  return fill(document.createElementNS(space, tag), attributes, children);
}
const draw = (tag, attributes, ...children) => makeNS(SVG, tag, attributes, ...children);

// Sets what differs: an attribute that is set again is laid out again.
function update(element, attribute, value) {
  if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
}
