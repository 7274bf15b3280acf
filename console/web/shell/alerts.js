// What needs a person: event subscriptions that fall behind or lose events, above every view.
import { element, labelled, moment, value } from "../lib/dom.js";
import { linkTo } from "../lib/links.js";

const KINDS = {
  "in-error": { mark: "!", word: "in error", view: "settings", words: "Look at the settings" },
  "switched-off": { mark: "!", word: "switched off", view: "settings", words: "Look at the settings" },
  late: { mark: "◷", word: "late", view: "now", words: "Pull it now" },
  full: { mark: "≡", word: "full", view: "settings", words: "Look at the settings" },
  "dead-lettered": { mark: "✕", word: "dead-lettered", view: "deadletters", words: "Look at the dead letters" },
};

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
  const status = element("p", { class: "unseen", role: "status" });
  section.append(status, details);
  closes(section, details, summary);
  return (alerts) => {
    // What is only to be known, as a timer that has not fired yet, is said in the flow.
    const all = (alerts ?? []).filter(({ level }) => level !== "info");
    const now = JSON.stringify(all);
    if (now === shown) {
      return;
    }
    shown = now;
    first.replaceChildren(all.length > 1 ? `${all.length} alerts: ` : "", all.length ? value(all[0].text, { limit: 200 }) : "");
    list.replaceChildren(...all.map(alertView));
    section.hidden = all.length === 0;
    status.textContent = all.map(({ text }) => text).join(". ").slice(0, 500);
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

/** An alert with the moment since when, what to do next, and the view to do it in. */
export function alertView(alert) {
  const known = KINDS[alert.kind] ?? { mark: "!", word: alert.kind, view: "flow", words: "Look at the flow" };
  const color = alert.level === "info" ? "other" : alert.kind === "dead-lettered" ? "reject" : "release";
  return element("li", { class: "alert" },
    labelled(color, known.mark, value(known.word, { limit: 40 })),
    element("p", {},
      element("strong", {}, value(alert.text, { limit: 400 })),
      alert.since ? [" since ", moment(alert.since)] : null,
      alert.next ? element("span", { class: "next" }, value(alert.next, { limit: 400 })) : null),
    linkTo(known.view, { subscription: alert.subscription }, known.words));
}
