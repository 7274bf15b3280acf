// One audit entry in a line: when, where, what was decided about which event, and why.
import { dispositionLabel, outcomeText } from "../../lib/delivery.js";
import { element, moment, typeName, value } from "../../lib/dom.js";
import { eventHref } from "../../lib/links.js";

/** The columns, for the head that is seen where there is room for it. */
export const columns = ["Time", "Subscription", "Disposition", "Content id", "Event type", "Category", "Why", "Delivery"];

/** The row, a link to the life of its event. */
export function entryRow(entry) {
  const to = eventHref(entry);
  return element("li", {}, element(to ? "a" : "div", { class: "entry", href: to },
    cell("at", moment(entry.at)),
    cell("sub", value(entry.subscription ?? "", { limit: 60 })),
    cell("what", dispositionLabel(entry.disposition)),
    cell("content", value(entry.contentId ?? entry.id ?? "no content id", { limit: 80 })),
    cell("kind", typeName(entry.type)),
    cell("category", category(entry)),
    cell("why", outcomeText(entry), by(entry)),
    cell("nth", element("span", { class: "unseen" }, "delivery "), value(entry.deliveryCount ?? "?"))));
}

function cell(name, ...inside) {
  return element("span", { class: `c-${name}` }, ...inside.flat());
}

function category({ category: name, severity, confidence }) {
  const sure = typeof confidence === "number" ? confidence.toLocaleString([], { maximumFractionDigits: 2 }) : null;
  return [
    name ? value(name, { limit: 40 }) : null,
    severity ? element("span", { class: "quiet" }, name ? " · " : "", value(severity, { limit: 20 })) : null,
    sure ? element("span", { class: "quiet confidence" }, name || severity ? " · " : "", sure) : null,
  ];
}

function by(entry) {
  if (entry.redrive) {
    return element("span", { class: "label other" }, "redriven", entry.by ? [" by ", value(entry.by, { limit: 30 })] : null);
  }
  return entry.by ? element("span", { class: "quiet" }, " by ", value(entry.by, { limit: 30 })) : null;
}
