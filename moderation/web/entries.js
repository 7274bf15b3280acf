// A card per event subscription: its strip, its last pull and the latest entries of its audit log.
import { call } from "./api.js";
import { activityView } from "./activity.js";
import { deliveryRow } from "./delivery.js";
import { element } from "./dom.js";

const LATEST = 20;
const ASKING = "Asking for the latest entries…";

/** The card of one event subscription, built into its article. */
export function subscriptionCard(article) {
  const name = article.dataset.subscription;
  const card = {
    name,
    pull: element("button", { type: "button", class: "plain" }, "Pull now", element("span", { class: "unseen" }, ` from ${name}`)),
    outcome: element("div", { class: "outcome", role: "status" }),
    activity: element("div", { class: "activity" }),
    result: element("div", {}),
    list: element("ul", { class: "rows" }),
    empty: element("p", { class: "quiet" }, ASKING),
    rows: new Map(),
  };
  const scroll = element("div", { class: "latest", tabindex: "0", role: "region", "aria-label": `Latest entries of ${name}` }, card.list, card.empty);
  article.querySelector("h3").after(card.pull);
  article.append(card.activity, card.outcome, card.result, element("h4", {}, "Latest entries"), scroll);
  return card;
}

/** Asks for the latest entries and shows them; {answer, changed}. */
export async function refreshEntries(card, open) {
  const answer = await call("GET", `audit?subscription=${encodeURIComponent(card.name)}&limit=${LATEST}`);
  if (!answer.ok) {
    return { answer, changed: false };
  }
  const changed = show(card, answer.data.entries ?? [], open);
  card.empty.textContent = "Nothing recorded yet. Publish the samples, then pull.";
  card.empty.hidden = card.rows.size > 0;
  return { answer, changed };
}

/** Says that nothing is known, in a card that never got an answer. */
export function tellUnknown(card) {
  if (card.empty.textContent === ASKING) {
    card.empty.textContent = "Not known yet.";
  }
}

// Rows that stay keep their element, so that neither the focus nor the pointer loses its place.
function show(card, entries, open) {
  const before = card.rows;
  card.rows = new Map(entries.map((entry) => {
    const key = JSON.stringify([entry.at, entry.id, entry.deliveryCount, entry.disposition]);
    return [key, before.get(key) ?? deliveryRow(entry, open)];
  }));
  const same = before.size === card.rows.size && [...card.rows.keys()].every((key) => before.has(key));
  if (!same) {
    place(card);
  }
  return !same;
}

function place(card) {
  const wanted = new Set(card.rows.values());
  [...card.list.children].filter((row) => !wanted.has(row)).forEach((row) => row.remove());
  let next = card.list.firstElementChild;
  for (const row of wanted) {
    if (row === next) {
      next = next.nextElementSibling;
    } else {
      card.list.insertBefore(row, next);
    }
  }
}

/** Asks for the activity and shows each card its part of it; {answer, changed}. */
export async function refreshActivity(cards, minutes) {
  const answer = await call("GET", `activity?minutes=${minutes}`);
  if (answer.ok) {
    const peak = peakOf(answer.data.minutes ?? []);
    for (const card of cards) {
      card.activity.replaceChildren(...activityView(card.name, answer.data, minutes, peak));
    }
  }
  return { answer, changed: false };
}

// One scale for all three, so that the strips can be compared.
function peakOf(minutes) {
  const counts = minutes.flatMap((one) => Object.values(one.subscriptions ?? {}).map((part) => part.received ?? 0));
  return Math.max(1, ...counts);
}
