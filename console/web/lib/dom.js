// Elements are made of text nodes only: whatever an event says, it is never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with these attributes and children; strings become text. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** A part of a section, named in the markup by `data-part`. */
export function part(section, name) {
  return section.querySelector(`[data-part="${name}"]`);
}

/** A foreign value as text: direction kept to itself, and cut when it is very long. */
export function value(text, { limit = 160, title = null } = {}) {
  const whole = String(text);
  const cut = whole.length > limit;
  const shown = cut ? `${whole.slice(0, limit)}…` : whole;
  return element("bdi", { title: title ?? (cut ? whole.slice(0, 2000) : null) }, shown);
}

/** The event type without its reverse-DNS prefix, which stays on hover. */
export function typeName(type) {
  const whole = String(type ?? "unknown type");
  const last = whole.slice(whole.lastIndexOf(".") + 1);
  return value(last === "" ? whole : last, { title: whole.slice(0, 2000) });
}

/** A moment in the reader's zone, exact on hover. */
export function moment(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) {
    return value(iso);
  }
  return element("time", { datetime: iso, title: iso }, inWords(at));
}

function inWords(at) {
  const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const today = at.toDateString() === new Date().toDateString();
  return today ? clock : `${at.toLocaleDateString([], { day: "numeric", month: "short" })}, ${clock}`;
}

/** "1 event", "5 events". */
export function count(number, noun) {
  return `${Number(number).toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}
