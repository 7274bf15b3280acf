// Settling what is held: each or all, after asking for what the disposition needs.
import { busy, button } from "../../lib/busy.js";
import { operatorOnly } from "../../shell/caller.js";
import { count, element } from "../../lib/dom.js";
import { problemView } from "../../lib/problem.js";
import { confirmDialog } from "../shared/confirm.js";
import { field, select } from "../shared/fields.js";
import { DONE } from "./held.js";

const DELAYS = [["0", "at once"], ["10", "after 10 seconds"], ["60", "after 1 minute"], ["600", "after 10 minutes"], ["3600", "after 1 hour"]];
const WORDS = { acknowledge: "Acknowledge", release: "Release", reject: "Reject", renew: "Renew" };

/** The bar for all and what settles; {bar, dialog, settleOne, shown, locked, mayLeave, mayReceive}. */
export function settling(state, shell) {
  const dialog = confirmDialog();
  const status = element("p", { class: "chosen", role: "status" });
  const place = element("div", { class: "outcome", role: "status" });
  const buttons = Object.entries(WORDS).map(([disposition, word]) => {
    const asks = disposition === "release" || disposition === "reject";
    return operatorOnly(button(`${word} all${asks ? "…" : ""}`, () => settle(locked(), disposition, buttons), { kind: null }));
  });
  const bar = element("div", { class: "card held-bar", role: "group", "aria-label": "All that is locked", hidden: true },
    status, element("div", { class: "buttons" }, buttons), place);

  const locked = () => [...state.held].filter(([, held]) => held.isLocked()).map(([token]) => token);

  function shown() {
    const number = locked().length;
    const sentence = number ? `${count(number, "event")} locked.` : "Nothing is locked any more.";
    bar.hidden = state.held.size === 0;
    buttons.forEach((control) => (control.hidden = number === 0));
    if (status.textContent !== sentence) {
      status.textContent = sentence;
    }
  }

  async function settle(tokens, disposition, resting, given = null) {
    const more = given ?? (await details(dialog, disposition, tokens.length, tokens.filter((token) => state.held.get(token)?.delivery.lastDelivery).length));
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
    for (const result of data.results ?? []) {
      const held = state.held.get(result.lockToken);
      if (result.settled && disposition === "renew") {
        held?.locked(asked, { lockedUntil: data.lockedUntil, lockSeconds: state.lockSeconds });
      }
      held?.settled(result, disposition);
    }
  }

  return {
    bar, dialog: dialog.node, shown, locked,
    settleOne: (token, disposition, pressed) => settle([token], disposition, [pressed]),
    mayLeave: (words) => mayLeave(dialog, words, locked().length),
    async mayReceive() {
      if (!(await mayLeave(dialog, "receive others", locked().length))) {
        return false;
      }
      await settle(locked(), "release", buttons, {});
      return true;
    },
  };
}

function summary(results, disposition) {
  const well = results.filter(({ settled }) => settled).length;
  const failed = results.length - well;
  return element("p", {}, `${count(well, "event")} ${DONE[disposition]}${failed ? `, ${failed} not: see why at each` : ""}.`);
}

function givingUp(last, box) {
  return element("div", { class: "choose-all" }, box,
    element("label", { for: "give-up" }, `Dead-letter ${last === 1 ? "the one" : `the ${last}`} on the last permitted delivery, too`));
}

/** Asks for what the disposition needs: a delay, a reason; null when it is not to be done. */
async function details(dialog, disposition, number, last) {
  if (disposition === "acknowledge" || disposition === "renew") {
    return {};
  }
  const delay = select(DELAYS, "0");
  const giveUp = element("input", { type: "checkbox", class: "choose", id: "give-up" });
  const reason = element("input", { type: "text", maxlength: "400", autocomplete: "off", required: disposition === "reject" });
  const fields = disposition === "release"
    ? [field("Deliver again", delay), field("Reason (optional)", reason, { hint: "It is recorded in the audit log, with your name." }), last ? givingUp(last, giveUp) : null]
    : [field("Reason", reason, { hint: "A rejected event is dead-lettered. The reason is recorded in the audit log, with your name." })];
  const title = `${WORDS[disposition]} ${count(number, "event")}?`;
  const yes = await dialog.ask({ title, yes: WORDS[disposition] }, element("div", { class: "fields" }, fields));
  const given = { reason: reason.value.trim() };
  return !yes ? null : disposition === "reject" ? given : { ...given, delaySeconds: Number(delay.value), giveUp: giveUp.checked };
}

function mayLeave(dialog, words, number) {
  return dialog.ask({ title: `${count(number, "event")} still locked`, yes: `Release and ${words}`, no: "Stay" },
    element("p", {}, "They are released, and delivered again at once to whoever receives next."));
}
