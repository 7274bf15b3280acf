// What the event is: its content, its ids to copy, and the link that opens it anywhere.
import { copyButton } from "../../lib/envelope.js";
import { element, moment, typeName, value } from "../../lib/dom.js";
import { linkTo } from "../../lib/links.js";
import { address, go } from "../../shell/router.js";
import { facts, field } from "../shared/fields.js";

/** A form that looks for an id, of a source where it is known. */
export function searchForm(id, source) {
  const input = (type, value, more) => element("input", { type, value, autocomplete: "off", spellcheck: "false", maxlength: 1024, ...more });
  const ifKnown = (label) => [label, element("span", { class: "quiet" }, " (if known)")];
  const wanted = input("search", id.slice(0, 1024), { required: true });
  const from = input("text", (source ?? "").slice(0, 1024));
  const near = element("input", { type: "datetime-local", step: 1 });
  const form = element("form", { class: "filters search", role: "search", "aria-label": "Find an event" },
    field("Event id", wanted, { kind: "wide" }), field(ifKnown("Source"), from), field(ifKnown("Near"), near, { kind: "when" }),
    element("button", { class: "primary" }, "Find"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const at = near.value ? new Date(near.value).toISOString() : null;
    go("event", { id: wanted.value.trim(), source: from.value.trim(), at });
  });
  return form;
}

/** The card above the timeline. */
export function eventHead(state) {
  const event = state.events.find(({ type }) => type) ?? state.events[0] ?? {};
  const source = state.source ?? event.source ?? null;
  const at = state.at ?? state.steps[0]?.at ?? null;
  const { contentId = null } = event;
  return element("section", { class: "card event-head", "aria-labelledby": "event-name" },
    element("div", { class: "section-head" },
      element("h2", { id: "event-name" }, contentId ? value(contentId, { limit: 120 }) : ["Event ", element("code", {}, value(state.id, { limit: 80 }))]),
      element("div", { class: "buttons" }, copyButton("Copy link", () => address("event", { id: state.id, source, at })))),
    facts([
      ["Id", [code(state.id), copyButton("Copy", () => state.id, "the id")]],
      ["Source", source],
      ["Event type", event.type ? typeName(event.type) : null],
      ["Time claimed by the publisher", (state.time ?? null) === null ? null : claimed(state.time)],
      ["Category", event.category], ["Severity", event.severity], ["Confidence", event.confidence], ["Model", event.model],
      ["Trace id", state.traceId ? [code(state.traceId), copyButton("Copy", () => state.traceId, "the trace id")] : null],
      ["All entries", linkTo("stream", { id: state.id, source }, "In the stream")],
    ]));
}

/** A time as its publisher wrote it; what is not RFC 3339, the app cannot read either. */
function claimed(time) {
  const isTime = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(time);
  return isTime ? moment(time) : [value(time, { limit: 80 }), "(not a valid time)"];
}

function code(text) {
  return element("code", {}, value(text, { limit: 120 }));
}
