// Publishing: the five samples, or what the reader wrote, checked while it is written.
import { checking } from "./check.js";
import { call } from "../../lib/api.js";
import { busy, button } from "../../lib/busy.js";
import { operatorOnly } from "../../shell/caller.js";
import { count, element, scrolling, table, typeName, value } from "../../lib/dom.js";
import { eventLink } from "../../lib/links.js";
import { outcome } from "../../lib/problem.js";
import { samples } from "../shared/samples.js";

/** The section where events are published. */
export function publishSection(shell) {
  const own = element("textarea", {
    id: "publish-body", rows: 12, spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-describedby": "publish-hint",
  });
  const checked = element("div", { class: "checked", role: "status" });
  const status = element("div", { class: "outcome", role: "status" });
  const result = element("div", { class: "result" });
  const five = operatorOnly(button("Publish the five samples", () => publish("events/samples"), { kind: "primary" }));
  const send = operatorOnly(button("Publish this", () => publish("events", own.value), { kind: null }));
  const check = checking(own, checked, shell.signal);

  async function publish(path, body) {
    result.replaceChildren();
    const answer = await busy([five, send], status, "Publishing…", () => call("POST", path, { body, patience: 60 }));
    outcome(status, answer, () => sentence(answer));
    result.replaceChildren(answer.ok ? published(answer.data.events ?? []) : "");
    shell.look();
  }

  function restore() {
    own.value = samples[0][1]();
    check();
  }

  restore();
  own.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send.click();
    }
  });
  return element("section", { class: "card", id: "publish", "aria-labelledby": "publish-title" },
    element("h2", { id: "publish-title" }, "Publish"),
    element("p", { class: "lead" }, "Five sample events: two flagged, two approved, one escalated for review."),
    element("div", { class: "buttons" }, five),
    element("div", {},
      element("label", { for: "publish-body" }, "Or your own event ", element("span", { class: "quiet" }, "(a moderation result or a CloudEvent; one, or a list)")),
      element("div", { class: "written" }, own, checked),
      element("div", { class: "buttons" }, send, button("Restore the example", restore),
        element("span", { class: "hint", id: "publish-hint" }, "Validated as you type, by the API's own rules. Ctrl + Enter publishes."))),
    status, result);
}

function sentence(answer) {
  return `${count(answer.data.published, "event")} published (${answer.status} Accepted). They wait in their event subscriptions until they are pulled.`;
}

function published(events) {
  const now = new Date().toISOString();
  return scrolling("Published events",
    table(["Content id", "Event type", "Category", "Confidence", "Status", "Id"], events.map((event) => tableRow({ at: now, ...event }))));
}

function tableRow(event) {
  return element("tr", {},
    element("td", {}, eventLink(event)),
    element("td", {}, typeName(event.type)),
    element("td", {}, value(event.category ?? "none", { limit: 40 })),
    element("td", { class: "number" }, value(event.confidence ?? "none")),
    element("td", {}, value(event.status ?? "unknown")),
    element("td", { class: "id" }, value(event.id, { limit: 60 })));
}
