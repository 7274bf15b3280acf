// Who the page is to the app, and what it may do: so that nobody presses a button in vain.
import { call, forgetKey, hasKey } from "../lib/api.js";
import { button } from "../lib/busy.js";
import { element, value } from "../lib/dom.js";

const EVERY = 300_000;
const WHY_NOT = "Only an operator may do this: enter an operator's key, or ask whoever runs this app.";
const ROLES = {
  operator: ["operator", "May publish, pull, inspect, peek, settle and redrive"],
  reader: ["reader", "May see everything; changing something needs an operator's key"],
};
let may = "unknown";
let payloads = "on-request";

/** Whether events' data is "shown", shown "on-request" or "never". */
export function payloadsAre() {
  return payloads;
}

/** Marks a button that only an operator may press; it says why when the caller may not. */
export function operatorOnly(button) {
  button.setAttribute("data-operator", "");
  mark(button);
  return button;
}

/** Marks every such button in this part of the page. */
export function markForbidden(root) {
  root.querySelectorAll("[data-operator]").forEach(mark);
}

function mark(button) {
  const forbidden = may === "reader";
  button.toggleAttribute("data-forbidden", forbidden);
  button.title = forbidden ? WHY_NOT : "";
  button.setAttribute("aria-disabled", String(forbidden || button.hasAttribute("data-resting")));
  button.setAttribute("aria-describedby", forbidden ? "caller-note" : "");
}

/** The badge: `refresh` asks when that is due, `soon` makes it due; `askKey` opens the key's form. */
export function callerBadge(place, askKey) {
  let due = 0;
  let shown = "";
  const note = element("p", { class: "unseen", id: "caller-note" });
  const badge = element("div", { class: "badge" });
  place.append(badge, note);

  async function refresh() {
    if (performance.now() < due) {
      return;
    }
    due = performance.now() + EVERY;
    const me = await call("GET", "me");
    if (!me.ok) {
      due = 0;
      return;
    }
    const role = await roleOf(me.data);
    const now = JSON.stringify([me.data, role, hasKey()]);
    if (now !== shown) {
      shown = now;
      may = role;
      payloads = me.data.payloads ?? payloads;
      note.textContent = role === "reader" ? WHY_NOT : "";
      badge.replaceChildren(...badgeParts(me.data, role, askKey, forget));
      markForbidden(document);
    }
  }

  function forget() {
    forgetKey();
    due = 0;
    askKey("The key was removed from this tab.");
  }

  return { refresh, soon: () => (due = 0) };
}

// The host decides by the key, and a function never learns which it was: so the page tries.
async function roleOf(me) {
  if (Array.isArray(me.roles)) {
    return me.roles.includes("operator") ? "operator" : "reader";
  }
  const answer = await call("GET", "operator", { quiet: true });
  if (answer.ok) {
    return "operator";
  }
  return answer.status === 401 || answer.status === 403 ? "reader" : "unknown";
}

function badgeParts(me, role, askKey, forget) {
  const [word, what] = ROLES[role] ?? ["", ""];
  const name = me.kind === "anyone" ? "no key needed" : me.name;
  const parts = [element("span", { class: "who" }, value(name, { limit: 40 }))];
  if (word) {
    parts.push(element("span", { class: `role ${role}`, title: what }, word));
  }
  if (me.kind !== "user" && (hasKey() || role === "reader")) {
    parts.push(button("Change key", () => askKey("Enter the key to use in this tab instead."), { kind: "link" }));
  }
  if (hasKey()) {
    parts.push(button("Forget key", forget, { kind: "link" }));
  }
  return parts;
}
