// One dead letter, opened: what Event Grid says of it, what we recorded, its event and its redrives.
import { busy, button } from "../../lib/busy.js";
import { dispositionLabel } from "../../lib/delivery.js";
import { element, moment, part, typeName, value } from "../../lib/dom.js";
import { linkTo } from "../../lib/links.js";
import { envelopeView } from "../../lib/envelope.js";
import { outcome } from "../../lib/problem.js";
import { memberText } from "../../lib/rawjson.js";
import { facts } from "../shared/fields.js";
import { nameOf } from "./row.js";

/** The dialog; {node, open(letter)}. `closed` is called when the reader closes it. */
export function letterDialog(shell, closed) {
  const node = element("dialog", { class: "letter-dialog", "aria-labelledby": "letter-title" },
    element("div", { class: "dialog-head" },
      element("div", {}, element("h2", { id: "letter-title" }, "Dead letter"), element("p", { class: "quiet", "data-part": "which" })),
      button("Close", () => node.close())),
    element("div", { class: "outcome", role: "status", "data-part": "outcome" }),
    element("div", { class: "dialog-body", "data-part": "body" }));
  node.addEventListener("click", (event) => event.target === node && node.close());
  node.addEventListener("close", closed);

  let turn = 0;
  async function ask(letter, reveal, buttons) {
    const mine = (turn += 1);
    const query = new URLSearchParams({ name: letter.name, index: letter.index, ...(reveal ? { reveal: "true" } : {}) });
    const answer = await busy(buttons, part(node, "outcome"), reveal ? "Loading the event's data…" : "Loading the dead letter…",
      () => shell.call("GET", `deadletter?${query}`, { patience: 60 }));
    if (mine !== turn || answer.aborted) {
      return;
    }
    outcome(part(node, "outcome"), answer, () => "");
    if (answer.ok) {
      part(node, "which").replaceChildren(...which(answer.data));
      const hidden = () => (reveal ? element("p", { class: "quiet" }, "This app is configured never to show the data of events.") : revealing(answer.data));
      part(node, "body").replaceChildren(...body(answer.data, memberText(answer.text, "event"), hidden));
    }
  }

  function revealing(letter) {
    const reveal = button("Reveal the event's data", () => ask(letter, true, [reveal]), { kind: null });
    return element("div", { class: "buttons" }, reveal, element("span", { class: "hint" }, "Revealing it is recorded, with your name."));
  }

  return {
    node,
    open(letter) {
      part(node, "which").replaceChildren(...which(letter));
      part(node, "body").replaceChildren();
      if (!node.open) {
        node.showModal();
      }
      ask(letter, false, []);
    },
  };
}

function which(letter) {
  return [element("strong", {}, value(nameOf(letter), { limit: 80 })), " ", letter.type ? typeName(letter.type) : ""];
}

function body(letter, event, hidden) {
  return [
    facts([
      ["Event subscription", letter.subscription],
      ["Source", letter.source || null],
      ["Dead-lettered", letter.at ? moment(letter.at) : null],
      ["Reason", letter.reason],
      ["Result of the last attempt", letter.result],
      ["Delivery attempts", letter.deliveryAttempts],
      ["Published", letter.publishedAt ? moment(letter.publishedAt) : null],
      ["Published by, as the event says", letter.event?.egpublishedby],
      ["Last attempt", letter.lastAttemptAt ? moment(letter.lastAttemptAt) : null],
      ["Recorded by this app", letter.ourReason],
      ["Unreadable", letter.unreadable],
      ["Blob", element("code", {}, value(`${letter.name} [${letter.index}]`, { limit: 300 }))],
    ]),
    letter.id ? element("p", {}, linkTo("event", { id: letter.id, source: letter.source, at: letter.publishedAt ?? letter.at }, "The whole life of this event")) : null,
    history(letter),
    letter.redacted ? hidden() : null,
    letter.event
      ? envelopeView(event, letter.unreadable ? "What was found" : letter.redacted ? "CloudEvent, without its data" : "CloudEvent")
      : element("p", { class: "quiet" }, "The blob holds no event that can be read."),
  ].filter(Boolean);
}

function history({ redriven, archived }) {
  if (!redriven?.length) {
    return element("p", { class: "quiet" }, archived ? "Archived." : "Not redriven yet.");
  }
  return element("div", {},
    element("h3", { class: "small-title" }, "Redrives"),
    element("ol", { class: "timeline" }, redriven.map((redrive) => element("li", {},
      element("p", { class: "row-line" }, redrive.at ? moment(redrive.at) : null, dispositionLabel(redrive.outcome), redrive.reason ? value(redrive.reason, { limit: 400 }) : null),
      element("p", { class: "quiet" }, "by ", value(redrive.by ?? "unknown", { limit: 120 }))))));
}
