// The life of one event: every delivery of it, over all event subscriptions, oldest first.
import { call } from "./api.js";
import { dispositionLabel, outcomeText } from "./delivery.js";
import { count, element, moment, part, typeName, value } from "./dom.js";
import { envelopeView } from "./envelope.js";
import { outcome } from "./problem.js";

/** What opens the dialog for an event; it needs its id, and shows its content id at once. */
export function lifeDialog(dialog) {
  part(dialog, "close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) {
      dialog.close();
    }
  });

  let asked = 0;
  return async (entry) => {
    const turn = (asked += 1);
    part(dialog, "which").replaceChildren(...which(entry));
    part(dialog, "outcome").textContent = "Looking through the audit log…";
    part(dialog, "body").replaceChildren();
    if (!dialog.open) {
      dialog.showModal();
    }
    const answer = entry.id
      ? await call("GET", `audit?id=${encodeURIComponent(entry.id)}&limit=200`, { patience: 60 })
      : alone(entry);
    if (turn === asked) {
      show(dialog, answer);
    }
  };
}

// A malformed event may have no id to look for.
function alone(entry) {
  return { ok: true, data: { entries: entry.disposition ? [entry] : [] } };
}

function which(entry) {
  return [
    element("strong", {}, value(entry.contentId ?? "no content id", { limit: 80 })), " ",
    typeName(entry.type), " ",
    element("code", {}, value(entry.id || "no id", { limit: 120 })),
  ];
}

function show(dialog, answer) {
  const entries = [...(answer.data?.entries ?? [])].sort((one, other) => (one.at < other.at ? -1 : 1));
  const event = entries.findLast((entry) => entry.event)?.event;
  outcome(part(dialog, "outcome"), answer, () => told(entries, answer.data.complete));
  part(dialog, "body").replaceChildren(timeline(entries), event ? envelope(event) : "");
}

function told(entries, complete) {
  const rest = complete === false ? " The search ended before the oldest entries: there may be more." : "";
  if (!entries.length) {
    return `Nothing recorded of this event yet: it waits to be pulled.${rest}`;
  }
  const places = new Set(entries.map((entry) => entry.subscription)).size;
  return `${entries.length === 1 ? "1 delivery" : `${entries.length} deliveries`} from ${count(places, "event subscription")}.${rest}`;
}

function timeline(entries) {
  return element("ol", { class: "timeline" }, entries.map((entry) =>
    element("li", {},
      element("p", { class: "row-line" },
        entry.at ? moment(entry.at) : null, element("strong", {}, value(entry.subscription ?? "")), dispositionLabel(entry.disposition),
        element("span", { class: "why" }, outcomeText(entry))),
      element("p", { class: "quiet" },
        `delivery ${entry.deliveryCount ?? "?"}`,
        entry.lockToken ? [", lock token ", element("code", {}, value(entry.lockToken))] : null))));
}

// Closed until asked for: an event's data is private, and most questions are answered without it.
function envelope(event) {
  return element("details", { class: "reveal" },
    element("summary", {}, "Show the event, with its data"), envelopeView(event));
}
