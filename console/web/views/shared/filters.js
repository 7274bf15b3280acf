// What each event subscription takes, as it is declared.
import { element, scrolling, table, value } from "../../lib/dom.js";

/** A table of the event subscriptions with their filters. */
export function filtersView({ topic, subscriptions = [] }) {
  return element("div", {},
    topic ? element("p", { class: "lead" }, "Topic ", element("code", {}, value(topic))) : null,
    scrolling("Event subscriptions and their filters", table(["Event subscription", "Event types", "Filters"],
      subscriptions.map((subscription) => element("tr", {},
        element("th", { scope: "row" }, element("code", {}, value(subscription.name, { limit: 80 }))),
        element("td", {}, types(subscription)),
        element("td", {}, clauses(subscription)))), { kind: "wrapping" })));
}

/** The event types that it takes, one in a line. */
export function types({ includedEventTypes }) {
  return includedEventTypes?.length
    ? element("ul", {}, includedEventTypes.map((type) => element("li", {}, element("code", {}, value(type)))))
    : "every type";
}

/** Its filters, one in a line. */
export function clauses({ filters }) {
  return filters?.length
    ? element("ul", {}, filters.map((filter) => element("li", {}, element("code", {}, value(inWords(filter), { limit: 400 })))))
    : "none";
}

function inWords(filter) {
  if (typeof filter === "string") {
    return filter;
  }
  const { key, operatorType, value: single, values, ...rest } = filter;
  const given = values ?? single;
  const more = Object.keys(rest).length ? ` ${JSON.stringify(rest)}` : "";
  return `${key ?? "?"} ${operatorType ?? "?"}${given === undefined ? "" : ` ${JSON.stringify(given)}`}${more}`;
}
