// What needs attention, with what to do next and the view to do it in.
import { element, moment, value } from "../../lib/dom.js";
import { labelled, linkTo } from "../shared/fields.js";

const KINDS = {
  "in-error": { mark: "!", word: "in error", view: "settings", words: "Look at the settings" },
  "switched-off": { mark: "!", word: "switched off", view: "settings", words: "Look at the settings" },
  late: { mark: "◷", word: "late", view: "now", words: "Pull it now" },
  full: { mark: "≡", word: "full", view: "settings", words: "Look at the settings" },
  "dead-lettered": { mark: "✕", word: "dead-lettered", view: "deadletters", words: "Look at the dead letters" },
};

/** The alerts of the flow in a card; {node, show(alerts)}. */
export function flowAlerts() {
  const list = element("ul", { class: "flow-alerts" });
  const node = element("section", { class: "card", "aria-labelledby": "flow-alerts-title", hidden: true },
    element("h2", { id: "flow-alerts-title" }, "What needs attention"), list);
  let shown = "";
  return {
    node,
    show(alerts) {
      const now = JSON.stringify(alerts);
      if (now !== shown) {
        shown = now;
        node.hidden = !alerts.length;
        list.replaceChildren(...alerts.map(alertView));
      }
    },
  };
}

function alertView(alert) {
  const known = KINDS[alert.kind] ?? { mark: "!", word: alert.kind, view: "flow", words: "Look at the flow" };
  const color = alert.level === "info" ? "other" : alert.kind === "dead-lettered" ? "reject" : "release";
  return element("li", {},
    labelled(color, known.mark, value(known.word, { limit: 40 })),
    element("div", {},
      element("p", {}, element("strong", {}, value(alert.text, { limit: 400 })), alert.since ? [" since ", moment(alert.since)] : null),
      alert.next ? element("p", { class: "quiet" }, "Next: ", value(alert.next, { limit: 400 })) : null),
    linkTo(known.view, { subscription: alert.subscription }, known.words));
}
