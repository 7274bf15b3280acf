// Charts of plain numbers over time: read with the pointer, with the arrow keys, or as a table.
import { clock, element, scrolling, table, value } from "../../lib/dom.js";
import { barsOf, drawBars, drawLines, patterns, swatch } from "./drawing.js";
import { between } from "./scales.js";

let charts = 0;

/**
 * A chart that is filled by `show(slots, series, top)`: slots [{at, until, values: {key: number|null}}], oldest
 * first, series [{key, name, look, shade}], `top` a value that the axis reaches at least.
 *
 * `heading` is what is seen of the title. `kind` is "bars" (stacked) or "lines"; `format` makes a number a text; `nothing` is said when all is empty.
 */
export function timeChart({ title, heading = title, kind, format, nothing }) {
  charts += 1;
  const chart = { id: `chart-${charts}`, title, kind, format, slots: [], series: [], shown: [], top: 0, cursor: null, width: 0 };
  chart.plot = element("div", {
    class: `plot ${kind}`, tabindex: "0", role: "slider", "aria-label": `${title}, by time`,
    "aria-valuemin": "0", "aria-valuemax": "0", "aria-valuenow": "0", "aria-valuetext": "nothing yet",
  });
  chart.legend = element("ul", { class: "legend" });
  chart.readout = element("p", { class: "readout", "aria-hidden": "true" });
  chart.table = asTable(chart);
  follow(chart);
  const node = element("figure", { class: "chart" },
    element("figcaption", {}, element("span", { class: heading ? "chart-title" : "unseen" }, heading || title), chart.legend),
    chart.plot, chart.readout, chart.table);
  return { node, show: (slots, series, top = 0) => show(chart, { slots, series, top, nothing, node }) };
}

function show(chart, { slots, series, top, nothing, node }) {
  const empty = !slots.some((slot) => series.some((line) => has(chart, slot, line)));
  const sameLegend = series.map(({ name }) => name).join() === chart.series.map(({ name }) => name).join();
  Object.assign(chart, { slots, series, top, resting: empty ? nothing : hint(slots) });
  node.classList.toggle("empty", empty);
  chart.table.hidden = empty;
  if (!sameLegend) {
    chart.legend.replaceChildren(...series.map((line) =>
      element("li", {}, swatch(line, chart.id), value(line.name, { limit: 40 }))));
  }
  draw(chart);
  if (chart.table.open) {
    refill(chart);
  }
}

// A count of 0 is nothing; a time of 0 ms was measured.
function has({ kind }, slot, { key }) {
  return kind === "bars" ? slot.values[key] > 0 : typeof slot.values[key] === "number";
}

function hint(slots) {
  return `${clock(slots[0].at)} to ${clock(slots.at(-1).until)}. Point at it, or use the arrow keys, to read values.`;
}

function follow(chart) {
  new ResizeObserver(([{ contentRect }]) => {
    chart.width = contentRect.width;
    draw(chart);
  }).observe(chart.plot);
  chart.plot.addEventListener("pointermove", (event) => {
    const { left, width } = chart.plot.getBoundingClientRect();
    point(chart, chart.scale?.indexAt(((event.clientX - left) / width) * chart.width));
  });
  chart.plot.addEventListener("pointerleave", () => point(chart, null));
  chart.plot.addEventListener("blur", () => point(chart, null));
  chart.plot.addEventListener("focus", () => point(chart, chart.shown.length - 1));
  chart.plot.addEventListener("keydown", (event) => step(chart, event));
}

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };

function step(chart, event) {
  const by = STEPS[event.key];
  if (by !== undefined) {
    event.preventDefault();
    const from = chart.cursor ?? chart.shown.length - 1;
    point(chart, Math.max(0, Math.min(chart.shown.length - 1, from + by)));
  }
}

function draw(chart) {
  const { width } = chart;
  const height = chart.plot.clientHeight;
  if (width < 20 || height < 20 || !chart.slots.length) {
    return;
  }
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  chart.shown = chart.kind === "bars" ? barsOf(chart.slots, chart.series, width, rem) : chart.slots;
  const { svg, scale } = (chart.kind === "bars" ? drawBars : drawLines)(chart, { width, height, rem });
  svg.prepend(patterns(chart.series, chart.id));
  chart.scale = scale;
  chart.plot.replaceChildren(svg);
  chart.plot.setAttribute("aria-valuemax", String(chart.shown.length - 1));
  point(chart, chart.cursor === null ? null : Math.min(chart.cursor, chart.shown.length - 1));
}

function point(chart, index) {
  const slot = chart.shown[index ?? -1] ?? null;
  chart.cursor = slot ? index : null;
  chart.scale?.mark(chart.cursor);
  const last = chart.shown.length - 1;
  chart.plot.setAttribute("aria-valuenow", String(slot ? index : Math.max(0, last)));
  chart.plot.setAttribute("aria-valuetext", last < 0 ? "nothing yet" : inWords(chart, slot ?? chart.shown[last]));
  chart.readout.textContent = slot ? inWords(chart, slot) : chart.resting;
}

function inWords(chart, slot) {
  const words = chart.series
    .filter((line) => has(chart, slot, line))
    .map(({ key, name }) => `${name.slice(0, 80)} ${chart.format(slot.values[key])}`);
  return `${between(slot)}: ${words.join(", ") || "nothing"}`;
}

// Made when it is opened: a day has 1,440 rows.
function asTable(chart) {
  const place = scrolling(`${chart.title}, as a table`, [], "scroll tall");
  const details = element("details", { class: "as-table" }, element("summary", {}, "As a table"), place);
  details.addEventListener("toggle", () => (details.open ? refill(chart) : place.replaceChildren()));
  return details;
}

function refill(chart) {
  const { slots, series, format } = chart;
  const busy = slots.filter((slot) => series.some((line) => has(chart, slot, line))).reverse();
  const heads = ["Time", ...series.map(({ name }) => value(name, { limit: 40 }))];
  const rows = busy.map((slot) => element("tr", {},
    element("th", { scope: "row" }, between(slot)),
    series.map((line) => element("td", { class: "number" }, has(chart, slot, line) ? format(slot.values[line.key]) : "–"))));
  const caption = element("caption", {}, "Newest first; empty intervals are left out.");
  chart.table.querySelector(".scroll").replaceChildren(table(heads, rows, { caption }));
}
