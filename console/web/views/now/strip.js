// Deliveries per minute: a strip of bars to see, a table to hear.
import { clock, element, moment, shape, table } from "../../lib/dom.js";
import { dispositions, dispositionWord } from "../../lib/delivery.js";

const MINUTE = 60_000;
const HEIGHT = 40;
const SLOT = 10;

/** The strip, its sentence and its table for one event subscription. */
export function activityView(name, data, minutes, peak) {
  const slots = slotsOf(name, data.minutes ?? [], minutes);
  const last = data.lastDrain?.[name];
  return [
    element("div", { class: "strip" }, strip(slots, peak), element("span", { class: "peak", "aria-hidden": "true" }, `${peak}/min`)),
    element("p", { class: "sum" },
      element("span", {}, sentence(slots, minutes)),
      element("span", {}, last ? ["last drained ", moment(last)] : "not drained yet")),
    asTable(name, slots),
  ];
}

// The minute of the newest count, when it is ahead of the reader's clock, ends the strip.
function slotsOf(name, counted, minutes) {
  const byMinute = new Map(counted.map(({ minute, subscriptions }) => [minuteOf(Date.parse(minute)), subscriptions?.[name]]));
  const newest = Math.max(minuteOf(Date.now()), ...byMinute.keys());
  return Array.from({ length: minutes }, (_, index) => {
    const minute = newest - (minutes - 1 - index);
    return { at: new Date(minute * MINUTE), counts: byMinute.get(minute) };
  });
}

function minuteOf(time) {
  return Math.floor(time / MINUTE);
}

function strip(slots, peak) {
  const width = slots.length * SLOT;
  return shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    slots.map((slot, index) => bar(slot, index, peak)));
}

function bar(slot, index, peak) {
  const group = shape("g", {},
    shape("rect", { class: "slot", x: index * SLOT, y: 0, width: SLOT, height: HEIGHT }),
    shape("title", {}, inWords(slot)));
  let top = HEIGHT;
  for (const disposition of dispositions) {
    const height = ((slot.counts?.[disposition] ?? 0) / peak) * (HEIGHT - 2);
    if (height > 0) {
      top -= height;
      group.append(shape("rect", { class: disposition, x: index * SLOT + 1.5, y: top, width: SLOT - 3, height }));
    }
  }
  return group;
}

function inWords(slot) {
  return `${clock(slot.at)}: ${counted(slot.counts) || "nothing"}`;
}

function counted(counts) {
  const words = dispositions
    .filter((disposition) => counts?.[disposition])
    .map((disposition) => `${counts[disposition].toLocaleString()} ${dispositionWord(disposition)}`);
  if (counts?.failed) {
    words.push(`${counts.failed.toLocaleString()} not settled`);
  }
  return words.join(", ");
}

function sentence(slots, minutes) {
  const sum = {};
  for (const { counts } of slots) {
    for (const key of [...dispositions, "failed"]) {
      sum[key] = (sum[key] ?? 0) + (counts?.[key] ?? 0);
    }
  }
  return counted(sum) || `nothing in ${minutes} minutes`;
}

function asTable(name, slots) {
  const heads = ["Minute", "Received", ...dispositions.map(dispositionWord), "Not settled"];
  const caption = element("caption", {}, `Deliveries of ${name} per minute; empty minutes are left out`);
  return element("div", { class: "unseen" }, table(heads, slots.filter((slot) => slot.counts).map(tableRow), { caption }));
}

function tableRow({ at, counts }) {
  const cells = ["received", ...dispositions, "failed"].map((key) => element("td", {}, String(counts[key] ?? 0)));
  return element("tr", {}, element("th", { scope: "row" }, clock(at)), cells);
}
