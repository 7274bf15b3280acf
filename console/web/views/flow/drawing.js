// How charts are drawn: in the pixels of their place, so that text and lines keep their size.
import { clock, shape } from "../../lib/dom.js";
import { clockTicks, countTop, durationTop } from "./scales.js";

const MINUTE = 60_000;
const BAR = 0.45; // rem, at least
const WIDTHS = [1, 2, 5, 10, 15, 30, 60, 120];

/** Slots added up until each bar has room. */
export function barsOf(slots, series, width, rem) {
  const room = Math.max(1, Math.floor((width - 3 * rem) / (BAR * rem)));
  const wanted = Math.ceil(slots.length / room);
  const size = WIDTHS.find((width) => width >= wanted) ?? wanted;
  return size === 1 ? slots : sums(slots, series, size);
}

// From the newest on, as the newest is looked at most.
function sums(slots, series, size) {
  const bars = [];
  for (let end = slots.length; end > 0; end -= size) {
    const part = slots.slice(Math.max(0, end - size), end);
    const values = Object.fromEntries(series.map(({ key }) => [key, part.reduce((sum, slot) => sum + (slot.values[key] ?? 0), 0)]));
    bars.unshift({ at: part[0].at, until: part.at(-1).until, values });
  }
  return bars;
}

/** Stacked bars; {svg, scale}. */
export function drawBars(chart, size) {
  const most = Math.max(1, ...chart.shown.map((slot) => chart.series.reduce((sum, { key }) => sum + (slot.values[key] ?? 0), 0)));
  const frame = framed(chart, size, countTop(Math.max(most, chart.top ?? 0)));
  const gap = Math.min(2, frame.slot / 4);
  chart.shown.forEach((slot, index) => {
    let y = frame.bottom;
    for (const line of chart.series) {
      const height = (slot.values[line.key] ?? 0) * frame.perUnit;
      if (height > 0) {
        y -= height;
        frame.svg.append(shape("rect", {
          ...paint(line, chart.id), x: frame.x(index) + gap / 2, y, width: frame.slot - gap, height,
        }));
      }
    }
  });
  return frame;
}

/** Lines with gaps where nothing was measured; {svg, scale}. */
export function drawLines(chart, size) {
  const most = Math.max(1, ...chart.shown.flatMap((slot) => chart.series.map(({ key }) => slot.values[key] ?? 0)));
  const frame = framed(chart, size, durationTop(Math.max(most, chart.top ?? 0)));
  for (const { key, shade, look } of chart.series) {
    const known = chart.shown.map((slot) => slot.values[key] ?? null);
    frame.svg.append(shape("path", { class: `line ${shade} ${look}`, d: path(known, frame) }));
    frame.svg.append(shape("path", { class: `line lone ${shade}`, d: lonePoints(known, frame) }));
  }
  return frame;
}

function path(known, frame) {
  return known.map((number, index) => {
    const goesOn = index > 0 && known[index - 1] !== null;
    return number === null ? "" : `${goesOn ? "L" : "M"}${placeOf(number, index, frame)}`;
  }).join("");
}

// A lone point is a line of no length, which a round cap makes a dot.
function lonePoints(known, frame) {
  const none = (index) => (known[index] ?? null) === null;
  return known.map((number, index) =>
    number !== null && none(index - 1) && none(index + 1) ? `M${placeOf(number, index, frame)}h0` : "").join("");
}

function placeOf(number, index, frame) {
  return `${(frame.x(index) + frame.slot / 2).toFixed(1)} ${(frame.bottom - number * frame.perUnit).toFixed(1)}`;
}

function framed(chart, { width, height, rem }, top) {
  const half = top > 1 || chart.kind === "lines" ? [top / 2] : [];
  const labels = [0, ...half, top].map((number) => ({ number, text: number ? chart.format(number) : "0" }));
  const left = Math.max(...labels.map(({ text }) => text.length)) * 0.47 * rem + 0.4 * rem;
  const bottom = height - 1.35 * rem;
  const slot = (width - left) / chart.shown.length;
  const perUnit = (bottom - 0.5 * rem) / top;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true", focusable: "false" });
  const x = (index) => left + index * slot;
  const cursor = shape("rect", { class: "cursor", y: 0, width: Math.max(slot, 2), height: bottom, visibility: "hidden" });
  svg.append(cursor, ...labels.map(({ number, text }) => rule(bottom - number * perUnit, text, { left, width, rem })));
  svg.append(...timeLabels(chart.shown, { left, width, height, rem, slot }));
  const scale = {
    indexAt: (at) => Math.max(0, Math.min(chart.shown.length - 1, Math.floor((at - left) / slot))),
    mark: (index) => {
      cursor.setAttribute("visibility", index === null ? "hidden" : "visible");
      cursor.setAttribute("x", index === null ? 0 : x(index) + (slot - Math.max(slot, 2)) / 2);
    },
  };
  return { svg, scale, x, slot, bottom, perUnit };
}

function rule(y, text, { left, width, rem }) {
  return shape("g", { class: "rule" },
    shape("line", { x1: left, x2: width, y1: y, y2: y }),
    shape("text", { x: left - 0.35 * rem, y: y + 0.25 * rem, "text-anchor": "end" }, text));
}

function timeLabels(shown, { left, width, height, rem, slot }) {
  const from = shown[0].at;
  const each = (shown.at(-1).until - from) / shown.length;
  const x = (at) => left + ((at - from) / each) * slot;
  return clockTicks(from, shown.at(-1).until, (width - left) / (4.2 * rem))
    .filter((at) => x(at) > left + 0.8 * rem && x(at) < width - 1.7 * rem)
    .map((at) => shape("text", { class: "tick", x: x(at), y: height - 0.25 * rem, "text-anchor": "middle" }, clock(at)));
}

// Nothing is shown by colour alone: each series has a pattern of its own, too.
const MARKS = {
  diagonal: "M-1 7L7 -1M-1 1L1 -1M5 7L7 5",
  crossed: "M0 0L6 6M6 0L0 6",
  dotted: "M3 3h.01",
  upright: "M3 0V6",
  level: "M0 3H6",
};

/** The patterns that the series of one chart are filled with. */
export function patterns(series, id) {
  return shape("defs", {}, series.filter(({ look }) => MARKS[look]).map((line) =>
    shape("pattern", { id: `${id}-${line.look}-${line.shade}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
      shape("rect", { class: line.shade, width: 6, height: 6 }),
      shape("path", { class: `pattern ${line.look}`, d: MARKS[line.look] }))));
}

// A class would win over the attribute, so it is one or the other.
function paint({ look, shade }, id) {
  return MARKS[look] ? { fill: `url(#${id}-${look}-${shade})` } : { class: shade };
}

/** What a series looks like, for the legend. */
export function swatch(line, id) {
  const isLine = line.look === "thin" || line.look === "dashed";
  return shape("svg", { class: "swatch", viewBox: "0 0 18 12", width: 18, height: 12, "aria-hidden": "true", focusable: "false" },
    isLine
      ? shape("path", { class: `line ${line.shade} ${line.look}`, d: "M1 6H17" })
      : shape("rect", { ...paint(line, id), width: 18, height: 12, rx: 2 }));
}

/** Slots of one step each, the newest last, with the values that `valuesAt` finds. */
export function slotsOf(now, minutes, stepSeconds, valuesAt) {
  const step = Math.max(1, stepSeconds / 60) * MINUTE;
  const last = Math.floor(now / step) * step;
  const number = Math.max(1, Math.ceil((minutes * MINUTE) / step));
  return Array.from({ length: number }, (_, index) => {
    const at = last - (number - 1 - index) * step;
    return { at: new Date(at), until: new Date(at + step), values: valuesAt(at) };
  });
}
