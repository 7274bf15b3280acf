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
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? time : `${at.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

/** A time of day as the reader writes it. */
export function clock(at) {
  return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

const UNITS = [[1000, 1, "ms"], [90_000, 1000, "s"], [5_400_000, 60_000, "min"], [172_800_000, 3_600_000, "h"], [Infinity, 86_400_000, "d"]];

/** Milliseconds in the unit that suits them: "340 ms", "3.4 s", "12 min". */
export function duration(milliseconds) {
  const [, unit, name] = UNITS.find(([limit]) => milliseconds < limit);
  const number = milliseconds / unit;
  return `${number.toLocaleString([], { maximumFractionDigits: number < 10 ? 1 : 0 })}\u00a0${name}`;
}

/** A table with a head; `rows` are elements. */
export function table(heads, rows, { kind = null, caption = null, foot = null } = {}) {
  return element("table", { class: kind }, caption,
    element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, rows), foot);
}

/** A region that scrolls on its own, also with the keyboard. */
export function scrolling(label, content, kind = "scroll") {
  return element("div", { class: kind, tabindex: "0", role: "region", "aria-label": label }, content);
}

/** A label: a sign, a word and a colour, in that order of importance. */
export function labelled(kind, mark, word) {
  return element("span", { class: `label ${kind}` }, element("span", { "aria-hidden": "true" }, mark), " ", word);
}

/** "1 event", "5 events". */
export function count(number, noun) {
  return `${Number(number).toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}
