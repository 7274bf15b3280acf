// An id that several events have, each from another source: which they are, and the way to the life of each.
import { element, moment, typeName, value } from "../../lib/dom.js";
import { eventLink } from "../../lib/links.js";

/** A card with the events that have the id. */
export function namesakes({ id, events }) {
  return element("section", { class: "card", "aria-labelledby": "namesakes-title" },
    element("h2", { id: "namesakes-title" }, "Several events have the id ", element("code", {}, value(id, { limit: 80 }))),
    element("p", { class: "quiet" }, "An event is identified by its source and its id together. Choose the event that you mean."),
    element("ul", { class: "rows", "aria-label": "Events with this id" }, events.map(row)));
}

function row(event) {
  return element("li", {},
    element("p", { class: "row-line" },
      element("strong", { class: "content-id" }, eventLink(event, value(event.source || "no source", { limit: 120 }))),
      event.type ? element("span", { class: "type" }, typeName(event.type)) : element("span", { class: "quiet" }, "not received yet"),
      element("span", { class: "when" }, moment(event.at))),
    element("p", { class: "row-line quiet" },
      [event.contentId, event.category, event.severity].filter(Boolean).map((text) => value(text, { limit: 80 }))));
}
