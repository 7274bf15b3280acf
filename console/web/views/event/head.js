// What the event is: its content, its ids to copy, and the link that opens it anywhere.
import { copyButton } from "../../lib/envelope.js";
import { element, moment, typeName, value } from "../../lib/dom.js";
import { address, go } from "../../shell/router.js";
import { linkTo } from "../shared/fields.js";

/** A form that looks for an id, of a source where it is known. */
export function searchForm(id, source) {
  const field = element("input", {
    id: "event-id", type: "search", required: true, autocomplete: "off", spellcheck: "false", maxlength: 1024, value: id.slice(0, 1024),
  });
  const from = element("input", { id: "event-source", type: "text", autocomplete: "off", spellcheck: "false", maxlength: 1024, value: (source ?? "").slice(0, 1024) });
  const near = element("input", { id: "event-at", type: "datetime-local", step: 1 });
  const form = element("form", { class: "filters search", role: "search", "aria-label": "Find an event" },
    element("div", { class: "field wide" }, element("label", { for: "event-id" }, "Event id"), field),
    element("div", { class: "field" }, element("label", { for: "event-source" }, "Source ", element("span", { class: "quiet" }, "(if known)")), from),
    element("div", { class: "field when" }, element("label", { for: "event-at" }, "Near ", element("span", { class: "quiet" }, "(if known)")), near),
    element("button", { class: "primary" }, "Find"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const at = near.value ? new Date(near.value).toISOString() : null;
    go("event", { id: field.value.trim(), source: from.value.trim(), at });
  });
  return form;
}

/** The card above the timeline. */
export function eventHead(state) {
  const facts = state.events.find((one) => one.type) ?? state.events[0] ?? {};
  const source = state.source ?? facts.source ?? null;
  const at = state.at ?? state.steps[0]?.at ?? null;
  const { contentId = null } = facts;
  return element("section", { class: "card event-head", "aria-labelledby": "event-name" },
    element("div", { class: "section-head" },
      element("h2", { id: "event-name" }, contentId ? value(contentId, { limit: 120 }) : ["Event ", element("code", {}, value(state.id, { limit: 80 }))]),
      element("div", { class: "buttons" }, copyButton("Copy link", () => address("event", { id: state.id, source, at })))),
    element("dl", { class: "facts" },
      fact("Id", code(state.id), copyButton("Copy", () => state.id, "the id")),
      source ? fact("Source", value(source, { limit: 120 })) : null,
      facts.type ? fact("Event type", typeName(facts.type)) : null,
      state.time === undefined || state.time === null ? null : fact("Time, says the publisher", ...claimed(state.time)),
      facts.category ? fact("Category", value(facts.category, { limit: 60 })) : null,
      facts.severity ? fact("Severity", value(facts.severity, { limit: 60 })) : null,
      typeof facts.confidence === "number" ? fact("Confidence", String(facts.confidence)) : null,
      facts.model ? fact("Model", value(facts.model, { limit: 60 })) : null,
      state.traceId ? fact("Trace id", code(state.traceId), copyButton("Copy", () => state.traceId, "the trace id")) : null,
      fact("Everything of it", linkTo("stream", { id: state.id, source }, "In the stream"))));
}

/** A time as its publisher wrote it; what is none of RFC 3339, the app cannot read either. */
function claimed(time) {
  const isTime = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(time);
  return isTime ? [moment(time)] : [value(String(time), { limit: 80 }), "(cannot be read as a time)"];
}

function code(text) {
  return element("code", {}, value(text, { limit: 120 }));
}

function fact(name, ...what) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, what.flatMap((one) => [one, " "])));
}
