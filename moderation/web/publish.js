// Publishing: the five samples, or what the reader wrote.
import { call } from "./api.js";
import { busy, onPress } from "./busy.js";
import { count, element, part, typeName, value } from "./dom.js";
import { outcome } from "./problem.js";

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

/** Brings the section to life; `changed` is called when something was published. */
export function publishing(section, changed, open) {
  const body = section.querySelector("textarea");
  const form = part(section, "form");
  const buttons = [part(section, "samples"), form.querySelector("button")];
  const restore = () => {
    body.value = JSON.stringify(EXAMPLE, null, 2);
  };

  async function publish(path, text) {
    part(section, "result").replaceChildren();
    const answer = await busy(buttons, part(section, "outcome"), "Publishing…", () =>
      call("POST", path, { body: text, patience: 60 }));
    show(section, answer, open);
    changed();
  }

  restore();
  onPress(buttons[0], () => publish("events/samples"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!buttons[1].hasAttribute("data-resting")) {
      publish("events", body.value);
    }
  });
  body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  onPress(part(section, "restore"), restore);
}

function show(section, answer, open) {
  outcome(part(section, "outcome"), answer, () =>
    `${count(answer.data.published, "event")} published (${answer.status} Accepted), to wait in the event subscriptions until pulled.`);
  part(section, "result").replaceChildren(answer.ok ? table(answer.data.events ?? [], open) : "");
}

function table(events, open) {
  const heads = ["Content id", "Event type", "Category", "Confidence", "Status", "Id"];
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Published events" },
    element("table", {},
      element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, events.map((event) => tableRow(event, open)))));
}

function tableRow(event, open) {
  const link = element("button", { type: "button", class: "link", "aria-haspopup": "dialog", title: "The life of this event" },
    value(event.contentId ?? "none", { limit: 60 }));
  link.addEventListener("click", () => open(event));
  return element("tr", {},
    element("td", {}, link),
    element("td", {}, typeName(event.type)),
    element("td", {}, value(event.category ?? "none", { limit: 40 })),
    element("td", { class: "number" }, value(event.confidence ?? "none")),
    element("td", {}, value(event.status ?? "unknown")),
    element("td", { class: "id" }, value(event.id, { limit: 60 })));
}
