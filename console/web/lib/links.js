// Every event anywhere on the page leads to its life, with the time near which it is found fast.
import { element, value } from "./dom.js";
import { href } from "../shell/router.js";

/** The address of an event's life, by its source and id; null for an event without an id. */
export function eventHref({ id, source = null, at = null }) {
  return id ? href("event", { id, source, at }) : null;
}

/** The event's content id (or other words) as a link to its life; text when there is no id to look for. */
export function eventLink(entry, words = null, { limit = 60 } = {}) {
  const inside = words ?? value(entry.contentId ?? entry.id ?? "no content id", { limit });
  const to = eventHref(entry);
  return to ? element("a", { href: to, class: "event-link" }, inside) : element("span", {}, inside);
}

/** A link to another view. */
export function linkTo(name, params, ...words) {
  return element("a", { href: href(name, params) }, ...words);
}
