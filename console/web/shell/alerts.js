// What needs a person: event subscriptions that fall behind or lose events, above every view.
import { element, moment, value } from "../lib/dom.js";
import { href } from "./router.js";
import { viewNamed } from "../views.js";

const WHERE = { "in-error": "settings", "switched-off": "settings", "dead-lettered": "deadletters", late: "flow", full: "flow" };
const MARKS = { late: "◷", full: "≡", "dead-lettered": "✕" };

/**
 * What shows alerts in this section: a list of {kind, level, subscription, since, text, next}. They take a line that is there
 * anyway, and open over the view: nothing moves under the pointer because of them.
 */
export function alertsBanner(section) {
  let shown = "[]";
  const first = element("span", { class: "alert-first" });
  const summary = element("summary", {}, element("span", { class: "mark", "aria-hidden": "true" }, "!"), first);
  const list = element("ul", {});
  const details = element("details", {}, summary, list);
  const said = element("p", { class: "unseen", role: "status" });
  section.append(said, details);
  closes(section, details, summary);
  return (alerts) => {
    // What is only to be known, as a timer that has not fired yet, is said in the flow.
    const all = (alerts ?? []).filter((one) => one.level !== "info");
    const now = JSON.stringify(all);
    if (now === shown) {
      return;
    }
    shown = now;
    first.replaceChildren(all.length > 1 ? `${all.length} alerts: ` : "", all.length ? value(all[0].text, { limit: 200 }) : "");
    list.replaceChildren(...all.map(alertView));
    section.hidden = all.length === 0;
    said.textContent = all.map((one) => one.text).join(". ").slice(0, 500);
  };
}

function closes(section, details, summary) {
  document.addEventListener("click", (event) => {
    if (!section.contains(event.target) || event.target.closest("a")) {
      details.open = false;
    }
  });
  section.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && details.open) {
      details.open = false;
      summary.focus();
    }
  });
}

function alertView(alert) {
  const view = viewNamed(WHERE[alert.kind]);
  return element("li", { class: "alert" },
    element("span", { class: "mark", "aria-hidden": "true" }, MARKS[alert.kind] ?? "!"),
    element("p", {},
      element("strong", {}, value(alert.text, { limit: 400 })),
      alert.since ? [" since ", moment(alert.since)] : null,
      alert.next ? element("span", { class: "next" }, value(alert.next, { limit: 400 })) : null),
    view ? element("a", { href: href(view.name, { subscription: alert.subscription }) }, view.label) : null);
}
