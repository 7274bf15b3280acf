// One delivery in a line or two: which event, what was decided, and why.
import { element, labelled, moment, typeName, value } from "./dom.js";
import { eventHref } from "./links.js";

const DISPOSITIONS = {
  acknowledge: { word: "acknowledged", mark: "✓" },
  release: { word: "released", mark: "↺" },
  reject: { word: "rejected", mark: "✕" },
};

/** The dispositions, in the order in which they are listed everywhere. */
export const dispositions = Object.keys(DISPOSITIONS);

/** What was done, as a word: "acknowledged". */
export function dispositionWord(disposition) {
  return DISPOSITIONS[disposition]?.word ?? String(disposition);
}

/** A disposition as a label. */
export function dispositionLabel(disposition) {
  const known = DISPOSITIONS[disposition];
  return labelled(known ? disposition : "other", known?.mark ?? "?", value(dispositionWord(disposition), { limit: 60 }));
}

/** Why, or what becomes of the content. */
export function outcomeText(entry) {
  const words = [];
  if (entry.verdict) {
    words.push(String(entry.verdict).replaceAll("-", " "));
  }
  if (entry.reason) {
    words.push(String(entry.reason));
  }
  if (entry.delaySeconds) {
    words.push(`again after ${entry.delaySeconds} s`);
  }
  return value(words.join(": "), { limit: 240 });
}

/** What tells entries apart: the same for two answers about one entry. */
export function keyOf(entry) {
  return JSON.stringify([entry.at, entry.subscription, entry.source, entry.id, entry.deliveryCount, entry.lockToken]);
}

/** A row that leads to the life of its event. */
export function deliveryRow(entry) {
  const inside = [
    element("span", { class: "row-line" },
      element("strong", { class: "content-id" }, value(entry.contentId ?? entry.id ?? "no content id", { limit: 60 })),
      element("span", { class: "type" }, typeName(entry.type)),
      entry.at ? element("span", { class: "when" }, moment(entry.at)) : null),
    element("span", { class: "row-line" },
      dispositionLabel(entry.disposition),
      entry.settled === false ? element("span", { class: "label other" }, `! not settled${entry.failed ? `: ${entry.failed}` : ""}`) : null,
      element("span", { class: "why" }, outcomeText(entry)),
      element("span", { class: entry.deliveryCount === 1 ? "unseen" : "deliveries" }, `delivery ${entry.deliveryCount ?? "?"}`)),
  ];
  const to = eventHref(entry);
  return element("li", {}, to ? element("a", { class: "row", href: to }, inside) : element("div", { class: "row" }, inside));
}
