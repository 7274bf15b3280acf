// What needs a person: event subscriptions that fall behind or lose events, above every view.
import { element, moment, value } from "./dom.js";
import { href } from "./router.js";
import { viewNamed } from "./views.js";

const WHERE = { "dead-lettered": "deadletters", late: "flow", full: "flow" };
const MARKS = { late: "◷", full: "≡", "dead-lettered": "✕" };

/** What shows alerts in this section: a list of {kind, subscription, since, text, next}. */
export function alertsBanner(section) {
  let shown = "[]";
  const list = element("ul", {});
  const said = element("p", { class: "unseen", role: "status" });
  section.append(said, list);
  return (alerts) => {
    const now = JSON.stringify(alerts ?? []);
    if (now !== shown) {
      shown = now;
      list.replaceChildren(...(alerts ?? []).map(alertView));
      section.hidden = !alerts?.length;
      said.textContent = (alerts ?? []).map((one) => one.text).join(" ").slice(0, 500);
    }
  };
}

function alertView(alert) {
  const view = viewNamed(WHERE[alert.kind]);
  return element("li", { class: "alert" },
    element("span", { class: "mark", "aria-hidden": "true" }, MARKS[alert.kind] ?? "!"),
    element("p", {},
      element("strong", {}, value(alert.text, { limit: 400 })),
      alert.since ? [" since ", moment(alert.since)] : null,
      alert.next ? [". ", value(alert.next, { limit: 400 })] : null),
    view ? element("a", { href: href(view.name, { subscription: alert.subscription }) }, view.label) : null);
}
