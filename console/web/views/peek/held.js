// One event that is held under a lock: what it is, how long, and what can be done with it.
import { button } from "../../lib/busy.js";
import { element, labelled, moment, typeName, value } from "../../lib/dom.js";
import { linkTo } from "../../lib/links.js";
import { envelopeView } from "../../lib/envelope.js";
import { countdown, lockEnd } from "./countdown.js";

export const DONE = { acknowledge: "acknowledged", release: "released", reject: "rejected", renew: "renewed" };
const PRESS = { acknowledge: "Acknowledge", release: "Release…", reject: "Reject…", renew: "Renew" };

/** A card, with the JSON text of its event; {node, delivery, locked(asked, answer), settled(result, disposition), gone(words), isLocked(), stop()}. */
export function heldEvent(delivery, event, { settle, changed }) {
  const state = { locked: true };
  const result = element("div", { class: "held-result", role: "status" });
  const buttons = Object.entries(PRESS).map(([disposition, words]) => {
    const name = element("span", { class: "unseen" }, " ", value(nameOf(delivery), { limit: 60 }));
    const pressed = button([words, name], () => settle(delivery.lockToken, disposition, pressed));
    return pressed;
  });
  const actions = element("div", { class: "buttons" }, buttons);
  const lock = countdown(() => gone("lock lost: it expired, and the event is delivered again"));
  const node = element("li", { class: "card held-event" },
    element("div", { class: "held-head" },
      element("p", { class: "row-line" },
        element("strong", { class: "content-id" }, value(nameOf(delivery), { limit: 80 })),
        element("span", { class: "type" }, typeName(delivery.type)), deliveries(delivery)),
      lock.node),
    warnings(delivery),
    element("p", { class: "row-line quiet" },
      delivery.time ? element("span", {}, "by the publisher's clock ", moment(delivery.time)) : null,
      !delivery.time && (delivery.event?.time ?? null) !== null ? element("span", {}, "its time is invalid") : null,
      delivery.id ? linkTo("event", { id: delivery.id, source: delivery.source, at: delivery.time }, "its life so far") : null),
    actions, result,
    delivery.event
      ? element("details", { class: "reveal" }, element("summary", {}, "CloudEvent envelope"), envelopeView(event, "CloudEvent envelope"))
      : null);

  function gone(words, kind = "lost") {
    state.locked = false;
    lock.stop(words);
    actions.hidden = true;
    node.classList.add(kind);
    changed();
  }

  return {
    node, delivery, gone,
    isLocked: () => state.locked,
    stop: () => lock.stop(""),
    locked(asked, answer) {
      lock.until(lockEnd(asked, answer), answer.lockSeconds ?? 60);
    },
    settled(answer, disposition) {
      if (!answer.settled) {
        result.replaceChildren(element("p", { class: "row-line" },
          labelled("reject", "!", `not ${DONE[disposition]}`),
          element("code", {}, value(answer.failed ?? "", { limit: 80 })), value(answer.why ?? "no reason given", { limit: 400 })));
        if (LOST.has(answer.failed)) {
          gone("lock lost");
        }
      } else if (disposition === "renew") {
        result.replaceChildren(labelled("acknowledge", "✓", "renewed"));
      } else {
        result.replaceChildren();
        gone(DONE[disposition], `was-${disposition}`);
      }
    },
  };
}

// After these no settlement can succeed.
const LOST = new Set(["TokenLost", "BadToken"]);

function nameOf(delivery) {
  return delivery.contentId ?? delivery.id ?? "no id";
}

function deliveries({ deliveryCount, lastDelivery }) {
  return lastDelivery
    ? labelled("reject", "!", `delivery ${deliveryCount}: the last`)
    : element("span", { class: "deliveries" }, `delivery ${deliveryCount}`);
}

function warnings(delivery) {
  return [
    delivery.lastDelivery
      ? element("p", { class: "warning" }, "This is its last permitted delivery: unless it is acknowledged before the lock ends, it is dead-lettered. Reject it with a reason, and the record says why.")
      : null,
    delivery.malformed ? element("p", { class: "warning" }, "Malformed: ", value(delivery.malformed, { limit: 400 })) : null,
  ];
}
