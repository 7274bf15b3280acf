// Peek and settle: up to ten events, received by hand and held under a lock until they are settled.
import { call, sendLast } from "../../lib/api.js";
import { busy } from "../../lib/busy.js";
import { operatorOnly } from "../../shell/caller.js";
import { count, element, value } from "../../lib/dom.js";
import { outcome } from "../../lib/problem.js";
import { itemTexts, memberText } from "../../lib/rawjson.js";
import { keep } from "../../shell/router.js";
import { field, select, subscriptionSelect } from "../shared/fields.js";
import { heldEvent } from "./held.js";
import { leaving } from "./leave.js";
import { settling } from "./settle.js";

const NAME = "peek";
const MOST = 10;

export const view = { mount };

function mount(place, params, shell) {
  const state = { subscription: params.get("subscription") ?? "", held: new Map(), lockSeconds: 60 };
  const box = subscriptionSelect(shell, state.subscription);
  const number = select(Array.from({ length: MOST }, (_, index) => [String(index + 1), String(index + 1)]), String(MOST));
  const receive = operatorOnly(element("button", { class: "primary" }, "Receive"));
  const reveal = element("input", { type: "checkbox", class: "choose", id: "peek-reveal" });
  const status = element("div", { class: "outcome", role: "status" });
  const list = element("ol", { class: "held", "aria-label": "Received events" });
  const settle = settling(state, shell);
  const form = element("form", { class: "peek-form" }, field("Event subscription", box), field("At most", number), receive,
    element("div", { class: "choose-all" }, reveal, element("label", { for: "peek-reveal" }, "With the events' data"), element("span", { class: "hint" }, "recorded, with your name")));
  place.append(
    element("section", { class: "card", "aria-labelledby": "peek-title" },
      element("h2", { id: "peek-title" }, "Receive by hand"),
      element("p", { class: "lead" }, "Receiving uses one delivery attempt of each event and locks it: meanwhile nobody else gets it. Settle it before its lock runs out, or release it; leaving this view releases what is still locked."),
      form, status),
    settle.bar, list, settle.dialog);

  const guard = leaving({ locked: () => settle.locked(), release: (tokens) => parting(state, tokens), mayLeave: settle.mayLeave });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!receive.hasAttribute("data-resting") && !receive.hasAttribute("data-forbidden")) {
      peek();
    }
  });
  box.addEventListener("change", () => keep(NAME, { subscription: box.value }));

  async function peek() {
    if (settle.locked().length && !(await settle.mayReceive())) {
      return;
    }
    const waiting = "Receiving. Event Grid waits up to ten seconds for an event before it answers that there is none.";
    const asked = performance.now();
    const subscription = box.value;
    // Not the shell's call, which ends when the reader leaves: what is received must be released, too.
    const answer = await busy([receive], status, waiting, () =>
      call("POST", "peek", { body: JSON.stringify({ subscription, maxEvents: Number(number.value), reveal: reveal.checked }), patience: 90 }));
    if (shell.signal.aborted) {
      parting({ subscription, held: new Map() }, (answer.data?.deliveries ?? []).map(({ lockToken }) => lockToken));
      return;
    }
    outcome(status, answer, () => sentence(answer.data));
    if (answer.ok) {
      Object.assign(state, { subscription, lockSeconds: answer.data.lockSeconds ?? 60 });
      fill(answer, asked);
    }
  }

  function fill({ data, text }, asked) {
    const events = itemTexts(memberText(text, "deliveries")).map((item) => memberText(item, "event"));
    state.held.forEach((held) => held.stop());
    state.held.clear();
    list.replaceChildren();
    for (const [index, delivery] of (data.deliveries ?? []).entries()) {
      const held = heldEvent(delivery, events[index], { settle: settle.settleOne, changed: settle.shown });
      held.locked(asked, data);
      state.held.set(delivery.lockToken, held);
      list.append(held.node);
    }
    settle.shown();
  }

  return {
    update(changed) {
      const asked = changed.get("subscription");
      if (asked && asked !== box.value) {
        box.value = asked;
      }
    },
    unmount() {
      parting(state, settle.locked());
      state.held.forEach((held) => held.stop());
      guard.stop();
    },
  };
}

// With `keepalive`, so that it arrives although the page is gone.
function parting(state, tokens) {
  if (tokens.length) {
    sendLast("settle", JSON.stringify({
      subscription: state.subscription, disposition: "release", lockTokens: tokens, delaySeconds: 0, reason: "the page was left",
    }));
    tokens.forEach((token) => state.held.get(token)?.gone("released, because the page was left"));
  }
}

function sentence(data) {
  const received = data.deliveries?.length ?? 0;
  const subscription = element("code", {}, value(data.subscription));
  return element("div", {},
    element("p", {}, received
      ? [`${count(received, "event")} received from `, subscription, ` and locked for ${data.lockSeconds ?? 60} seconds.`]
      : ["Nothing received from ", subscription, "."]),
    data.notice ? element("p", { class: "hint" }, value(data.notice, { limit: 600 })) : null);
}
