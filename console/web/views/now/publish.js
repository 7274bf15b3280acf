// Publishing: the five samples, or what the reader wrote, checked while it is written.
import { checking } from "./check.js";
import { call } from "../../lib/api.js";
import { busy, onPress } from "../../lib/busy.js";
import { operatorOnly } from "../../shell/caller.js";
import { count, element, typeName, value } from "../../lib/dom.js";
import { eventLink } from "../../lib/links.js";
import { outcome } from "../../lib/problem.js";

const EXAMPLE = {
  type: "ContentFlagged",
  contentId: "img-9001",
  contentType: "image",
  modelName: "vision-moderator-v3",
  modelVersion: "3.2.1",
  confidence: 0.91,
  category: "violence",
  severity: "high",
  reviewRequired: true,
};

/** The section where events are published. */
export function publishSection(shell) {
  const made = parts();
  const buttons = [made.samples, made.send];
  const check = checking(made.body, made.checked, shell.signal);

  async function publish(path, body) {
    made.result.replaceChildren();
    const answer = await busy(buttons, made.outcome, "Publishing…", () => call("POST", path, { body, patience: 60 }));
    outcome(made.outcome, answer, () => told(answer));
    made.result.replaceChildren(answer.ok ? table(answer.data.events ?? []) : "");
    shell.look();
  }

  function restore() {
    made.body.value = JSON.stringify(EXAMPLE, null, 2);
    check();
  }

  restore();
  onPress(made.samples, () => publish("events/samples"));
  onPress(made.send, () => publish("events", made.body.value));
  onPress(made.restore, restore);
  made.body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      made.send.click();
    }
  });
  return made.section;
}

function parts() {
  const made = {
    samples: operatorOnly(element("button", { class: "primary", type: "button" }, "Publish the five samples")),
    send: operatorOnly(element("button", { type: "button" }, "Publish this")),
    restore: element("button", { class: "plain", type: "button" }, "Put the example back"),
    body: element("textarea", {
      id: "publish-body", rows: 12, spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-describedby": "publish-hint",
    }),
    checked: element("div", { class: "checked", role: "status" }),
    outcome: element("div", { class: "outcome", role: "status" }),
    result: element("div", { class: "result" }),
  };
  made.section = element("section", { class: "card", id: "publish", "aria-labelledby": "publish-title" },
    element("h2", { id: "publish-title" }, "Publish"),
    element("p", { class: "lead" }, "Five sample events: two flagged, two approved, one escalated for review."),
    element("div", { class: "buttons" }, made.samples),
    element("div", {},
      element("label", { for: "publish-body" }, "Or your own event ", element("span", { class: "quiet" }, "(a moderation result or a CloudEvent; one, or a list)")),
      element("div", { class: "written" }, made.body, made.checked),
      element("div", { class: "buttons" }, made.send, made.restore,
        element("span", { class: "hint", id: "publish-hint" }, "Checked as you type, by the rules of the API. Ctrl + Enter publishes."))),
    made.outcome, made.result);
  return made;
}

function told(answer) {
  return `${count(answer.data.published, "event")} published (${answer.status} Accepted), to wait in the event subscriptions until pulled.`;
}

function table(events) {
  const heads = ["Content id", "Event type", "Category", "Confidence", "Status", "Id"];
  const now = new Date().toISOString();
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Published events" },
    element("table", {},
      element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, events.map((event) => tableRow({ at: now, ...event })))));
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
