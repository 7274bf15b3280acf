// A card per event subscription: its strip, its last pull and the latest entries of its audit log.
import { activityView } from "./strip.js";
import { operatorOnly } from "../../shell/caller.js";
import { deliveryRow, keyOf } from "../../lib/delivery.js";
import { element, scrolling, typeName, value } from "../../lib/dom.js";
import { linkTo } from "../../lib/links.js";

const LATEST = 20;
const ASKING = "Loading the latest entries…";

/** The cards, made as soon as it is known which event subscriptions there are. */
export function cardsOf() {
  const place = element("div", { class: "columns" }, element("p", { class: "quiet" }, "Loading the event subscriptions…"));
  let all = [];
  let made = () => {};
  return {
    place,
    all: () => all,
    whenMade: (tell) => (made = tell),
    tellUnknown: () => all.forEach((card) => card.tellUnknown()),
    showActivity: (data, minutes) => {
      const peak = peakOf(data.minutes ?? []);
      all.forEach((card) => card.showActivity(data, minutes, peak));
    },
    know: async (shell) => {
      const answer = await shell.topology();
      if (answer.ok && !all.length) {
        all = answer.data.subscriptions.map(subscriptionCard);
        place.replaceChildren(...all.map((card) => card.article));
        made(all);
      } else if (!answer.ok) {
        place.replaceChildren(element("p", { class: "quiet" }, "The event subscriptions are not loaded yet."));
      }
      return answer;
    },
  };
}

// One scale for all, so that the strips can be compared.
function peakOf(minutes) {
  const counts = minutes.flatMap(({ subscriptions }) => Object.values(subscriptions ?? {}).map((part) => part.received ?? 0));
  return Math.max(1, ...counts);
}

function subscriptionCard({ name, includedEventTypes: types }) {
  const card = {
    name,
    pull: operatorOnly(element("button", { type: "button", class: "plain" }, "Pull now", element("span", { class: "unseen" }, ` from ${name}`))),
    outcome: element("div", { class: "outcome", role: "status" }),
    result: element("div", {}),
    activity: element("div", { class: "activity" }),
    list: element("ul", { class: "rows" }),
    empty: element("p", { class: "quiet" }, ASKING),
    rows: new Map(),
  };
  card.article = element("article", { class: "card subscription", "aria-labelledby": `title-${name}` },
    element("h3", { id: `title-${name}` }, value(name)), card.pull,
    element("p", { class: "receives" }, receives(types)),
    card.activity, card.outcome, card.result,
    element("div", { class: "latest-head" }, element("h4", {}, "Latest entries"),
      linkTo("stream", { subscription: name }, "All", element("span", { class: "unseen" }, ` entries of ${name}`))),
    scrolling(`Latest entries of ${name}`, [card.list, card.empty], "latest"));
  card.showActivity = (data, minutes, peak) =>
    card.activity.replaceChildren(...activityView(name, data, minutes, peak));
  // What never got an answer says so.
  card.tellUnknown = () => {
    if (card.empty.textContent === ASKING) {
      card.empty.textContent = "Not loaded yet.";
    }
  };
  card.refresh = (call) => refreshEntries(card, call);
  return card;
}

function receives(types) {
  return types?.length
    ? ["receives ", ...types.flatMap((type, index) => [index ? ", " : "", element("code", {}, typeName(type))])]
    : ["receives every event"];
}

async function refreshEntries(card, call) {
  const answer = await call("GET", `audit?subscription=${encodeURIComponent(card.name)}&limit=${LATEST}`);
  if (!answer.ok) {
    return { answer, changed: false };
  }
  const changed = show(card, answer.data.entries ?? []);
  card.empty.textContent = "Nothing recorded yet. Publish the samples, then pull.";
  card.empty.hidden = card.rows.size > 0;
  return { answer, changed };
}

// Rows that stay keep their element, so that neither the focus nor the pointer loses its place.
function show(card, entries) {
  const before = card.rows;
  card.rows = new Map(entries.map((entry) => {
    const key = keyOf(entry);
    return [key, before.get(key) ?? deliveryRow(entry)];
  }));
  const same = before.size === card.rows.size && [...card.rows.keys()].every((key) => before.has(key));
  if (!same) {
    placeRows(card);
  }
  return !same;
}

function placeRows(card) {
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
