// The charts of the flow: how many, of which type, how late and how long.
import { dispositionWord, dispositions } from "../../lib/delivery.js";
import { duration, element } from "../../lib/dom.js";
import { timeChart } from "./time_chart.js";
import { slotsOf } from "./drawing.js";

const LOOKS = { acknowledge: "plain", release: "diagonal", reject: "crossed", failed: "dotted" };
const TYPES = [["shade-1", "plain"], ["shade-2", "diagonal"], ["shade-3", "dotted"], ["shade-4", "upright"], ["shade-5", "level"], ["shade-6", "crossed"]];
const SPREAD = [
  { key: "p99", name: "p99", look: "dashed", shade: "shade-2" },
  { key: "p50", name: "p50", look: "thin", shade: "shade-1" },
];
const OTHERS = "all other types";
const number = (count) => Math.round(count).toLocaleString();

/** The cards with charts; `show(data, state)` fills them. */
export function flowCharts() {
  const byDisposition = timeChart({ title: "Deliveries by disposition", heading: "", kind: "bars", format: number, nothing: "Nothing was delivered in this time." });
  const byType = timeChart({ title: "Deliveries by event type", heading: "", kind: "bars", format: number, nothing: "Nothing was delivered in this time." });
  const delay = multiples("Queue delay", "No event that this app published had its first delivery in this time.");
  const claimed = multiples("Queue delay by the publisher's clock", "No other event had its first delivery in this time.");
  const handling = multiples("Handling time", "No batch was handled in this time.");
  const elsewhere = card("Queue delay, by the publisher's clock", "The same for events published elsewhere, from the time that they state, which may be wrong: nothing else here is computed from it.", claimed.place);
  const cards = [
    card("By disposition", "Bars are counts of deliveries: an event that is released and delivered again counts again.", byDisposition.node),
    card("By event type", "The same deliveries, by the type of the event.", byType.node),
    card("Queue delay", "From when this app published an event to its first delivery: half of them took less than p50, one in a hundred more than p99.", delay.place),
    elsewhere,
    card("Handling time", "How long the handlers of a batch took.", handling.place),
  ];
  return {
    cards,
    show(data, state) {
      const frame = framed(data, state);
      const names = namesIn(data, state);
      byDisposition.show(frame((at) => summed(at, names, dispositionCounts)), dispositionSeries());
      const types = typeSeries(data, names);
      byType.show(frame((at) => summed(at, names, (counts) => typeCounts(counts, types))), types);
      delay.show(frame, names, "queueDelayMs");
      elsewhere.hidden = !data.totals?.claimedDelayMs?.count;
      claimed.show(frame, elsewhere.hidden ? [] : names, "claimedDelayMs");
      handling.show(frame, names, "handlingMs");
    },
  };
}

let cardSerial = 0;

function card(title, lead, content) {
  const id = `flow-card-${(cardSerial += 1)}`;
  return element("section", { class: "card flow-chart", "aria-labelledby": id }, element("h2", { id }, title), element("p", { class: "lead" }, lead), content);
}

// Slots for the whole range, of which the answer has only those with something in them.
function framed(data, { minutes }) {
  const step = data.stepSeconds ?? 60;
  const known = new Map();
  for (const { minute, subscriptions } of data.minutes ?? []) {
    const at = Math.floor(Date.parse(minute) / (step * 1000)) * step * 1000;
    known.set(at, [...(known.get(at) ?? []), subscriptions ?? {}]);
  }
  const now = Math.max(Date.now(), ...known.keys());
  return (valuesOf) => slotsOf(now, minutes, step, (at) => valuesOf(known.get(at) ?? []));
}

function namesIn(data, { subscription }) {
  const names = new Set([...Object.keys(data.lastDrain ?? {}), ...(data.minutes ?? []).flatMap(({ subscriptions }) => Object.keys(subscriptions ?? {}))]);
  return [...names].filter((name) => !subscription || name === subscription);
}

function summed(parts, names, countsOf) {
  const sums = {};
  for (const counts of parts.flatMap((part) => names.map((name) => part[name]).filter(Boolean))) {
    for (const [key, count] of countsOf(counts)) {
      sums[key] = (sums[key] ?? 0) + count;
    }
  }
  return sums;
}

function dispositionCounts(counts) {
  return [...dispositions, "failed"].map((key) => [key, counts[key] ?? 0]);
}

function dispositionSeries() {
  return [...dispositions, "failed"].map((key) => ({
    key, name: key === "failed" ? "not settled" : dispositionWord(key), look: LOOKS[key], shade: key === "failed" ? "shade-6" : key,
  }));
}

// The most frequent have a look of their own; always in the same order, so that none changes its look at a whim.
function typeSeries(data, names) {
  const sums = new Map();
  for (const { subscriptions = {} } of data.minutes ?? []) {
    for (const name of names) {
      for (const [type, count] of Object.entries(subscriptions[name]?.types ?? {})) {
        sums.set(type, (sums.get(type) ?? 0) + count);
      }
    }
  }
  const own = [...sums].sort((left, right) => right[1] - left[1]).slice(0, TYPES.length - 1).map(([type]) => type).sort();
  const series = own.map((type, index) => ({ key: `type ${type}`, name: shortType(type), look: TYPES[index][1], shade: TYPES[index][0] }));
  const [shade, look] = TYPES.at(-1);
  return sums.size > own.length ? [...series, { key: OTHERS, name: OTHERS, look, shade }] : series;
}

function typeCounts({ types = {} }, series) {
  const own = new Set(series.map(({ key }) => key));
  return Object.entries(types).map(([type, count]) => [own.has(`type ${type}`) ? `type ${type}` : OTHERS, count]);
}

function shortType(type) {
  return type.slice(type.lastIndexOf(".") + 1) || type || "no type";
}

// One small chart for each event subscription, on one scale: percentiles cannot be added up.
function multiples(title, nothing) {
  const place = element("div", { class: "multiples" });
  const charts = new Map();
  return {
    place,
    show(frame, names, key) {
      for (const [name, chart] of charts) {
        if (!names.includes(name)) {
          chart.node.remove();
          charts.delete(name);
        }
      }
      const slots = names.map((name) => [name, frame((parts) => percentiles(parts, name, key))]);
      const top = Math.max(1, ...slots.flatMap(([, all]) => all.map((slot) => slot.values.p99 ?? slot.values.p50 ?? 0)));
      for (const [name, all] of slots) {
        if (!charts.has(name)) {
          charts.set(name, timeChart({ title: `${title} of ${name}`, heading: name, kind: "lines", format: duration, nothing }));
          place.append(charts.get(name).node);
        }
        charts.get(name).show(all, SPREAD, top);
      }
    },
  };
}

function percentiles(parts, name, key) {
  const all = parts.map((part) => part[name]?.[key]).filter(Boolean);
  const most = (of) => {
    const known = all.map((spread) => spread[of]).filter((number) => typeof number === "number");
    return known.length ? Math.max(...known) : null;
  };
  return { p50: most("p50"), p99: most("p99") };
}
