// Settling what is held: each or all, after asking for what the disposition needs.
import { busy, onPress } from "../../lib/busy.js";
import { operatorOnly } from "../../shell/caller.js";
import { count, element, part } from "../../lib/dom.js";
import { problemView } from "../../lib/problem.js";
import { field, select } from "../shared/fields.js";
import { DONE } from "./held.js";

const DELAYS = [["0", "at once"], ["10", "after 10 seconds"], ["60", "after 1 minute"], ["600", "after 10 minutes"], ["3600", "after 1 hour"]];
const WORDS = { acknowledge: "Acknowledge", release: "Release", reject: "Reject", renew: "Renew" };

/** The bar for all and what settles; {bar, dialog, one, shown, locked, mayGo}. */
export function settling(state, shell) {
  const dialog = askingDialog();
  const said = element("p", { class: "chosen", role: "status" });
  const place = element("div", { class: "outcome", role: "status" });
  const buttons = Object.entries(WORDS).map(([disposition, word]) => {
    const asks = disposition === "release" || disposition === "reject";
    const button = operatorOnly(element("button", { type: "button" }, `${word} all${asks ? "…" : ""}`));
    onPress(button, () => settle(locked(), disposition, buttons));
    return button;
  });
  const bar = element("div", { class: "card held-bar", role: "group", "aria-label": "All that is locked", hidden: true },
    said, element("div", { class: "buttons" }, buttons), place);

  const locked = () => [...state.held].filter(([, one]) => one.isLocked()).map(([token]) => token);

  function shown() {
    const number = locked().length;
    const sentence = number ? `${count(number, "event")} locked.` : "Nothing is locked any more.";
    bar.hidden = state.held.size === 0;
    buttons.forEach((button) => (button.hidden = number === 0));
    if (said.textContent !== sentence) {
      said.textContent = sentence;
    }
  }

  async function settle(tokens, disposition, resting, given = null) {
    const more = given ?? (await dialog.details(disposition, tokens.length, tokens.filter((token) => state.held.get(token)?.delivery.lastDelivery).length));
    const still = tokens.filter((token) => state.held.get(token)?.isLocked());
    if (!more || !still.length) {
      return;
    }
    const asked = performance.now();
    const body = JSON.stringify({ subscription: state.subscription, disposition, lockTokens: still, ...more });
    const answer = await busy(resting, place, `${WORDS[disposition]}…`, () => shell.call("POST", "settle", { body, patience: 60 }));
    if (answer.aborted) {
      return;
    }
    place.replaceChildren(answer.ok ? summary(answer.data.results ?? [], disposition) : problemView(answer));
    if (answer.ok) {
      apply(answer.data, disposition, asked);
    }
    shown();
  }

  function apply(data, disposition, asked) {
    for (const one of data.results ?? []) {
      const held = state.held.get(one.lockToken);
      if (one.settled && disposition === "renew") {
        held?.locked(asked, { lockedUntil: data.lockedUntil, lockSeconds: state.lockSeconds });
      }
      held?.settled(one, disposition);
    }
  }

  return {
    bar, dialog, shown, locked,
    one: (token, disposition, button) => settle([token], disposition, [button]),
    async mayGo(words) {
      if (!(await dialog.confirm(words, locked().length))) {
        return false;
      }
      await settle(locked(), "release", buttons, {});
      return true;
    },
  };
}

function summary(results, disposition) {
  const well = results.filter((one) => one.settled).length;
  const failed = results.length - well;
  return element("p", {}, `${count(well, "event")} ${DONE[disposition]}${failed ? `, ${failed} not: see why at each` : ""}.`);
}

function givingUp(last, box) {
  return element("div", { class: "choose-all" }, box,
    element("label", { for: "give-up" }, `Dead-letter ${last === 1 ? "the one" : `the ${last}`} on the last permitted delivery, too`));
}

/** The dialog that asks for a delay, a reason, or whether to go; {node, details, confirm}. */
function askingDialog() {
  const node = element("dialog", { class: "confirm", "aria-labelledby": "settle-title" },
    element("form", { method: "dialog", class: "dialog-body" },
      element("h2", { id: "settle-title", "data-part": "title" }),
      element("div", { "data-part": "text" }),
      element("div", { class: "buttons" },
        element("button", { class: "primary", value: "yes", "data-part": "yes" }), element("button", { value: "no", "data-part": "no" }, "Cancel"))));

  function ask(title, yes, no, ...text) {
    part(node, "title").textContent = title;
    part(node, "yes").textContent = yes;
    part(node, "no").textContent = no;
    part(node, "text").replaceChildren(...text);
    node.returnValue = "no";
    node.showModal();
    return new Promise((resolve) => node.addEventListener("close", () => resolve(node.returnValue === "yes"), { once: true }));
  }

  // The Enter key presses the first button of a form; Escape closes with "no".
  return Object.assign(node, {
    async details(disposition, number, last) {
      if (disposition === "acknowledge" || disposition === "renew") {
        return {};
      }
      const delay = select(DELAYS, "0");
      const giveUp = element("input", { type: "checkbox", class: "choose", id: "give-up" });
      const reason = element("input", { type: "text", maxlength: "400", autocomplete: "off", required: disposition === "reject" });
      const fields = disposition === "release"
        ? [field("Deliver again", delay), field("Reason (optional)", reason, { hint: "It is recorded in the audit log, with your name." }), last ? givingUp(last, giveUp) : null]
        : [field("Reason", reason, { hint: "A rejected event is dead-lettered. The reason is recorded in the audit log, with your name." })];
      const yes = await ask(`${WORDS[disposition]} ${count(number, "event")}?`, WORDS[disposition], "Cancel", element("div", { class: "fields" }, fields.filter(Boolean)));
      const given = { reason: reason.value.trim() };
      return !yes ? null : disposition === "reject" ? given : { ...given, delaySeconds: Number(delay.value), giveUp: giveUp.checked };
    },
    confirm(words, number) {
      return ask(`${count(number, "event")} still locked`, `Release and ${words.toLowerCase()}`, "Stay",
        element("p", {}, "They are released, and delivered again at once to whoever receives next."));
    },
  });
}
