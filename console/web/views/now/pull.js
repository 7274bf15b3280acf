// Pulling now: all event subscriptions or one, and what each delivered.
import { call } from "../../lib/api.js";
import { busy, button, onPress } from "../../lib/busy.js";
import { operatorOnly } from "../../shell/caller.js";
import { deliveryRow, dispositions, dispositionWord } from "../../lib/delivery.js";
import { count, element } from "../../lib/dom.js";
import { outcome as say } from "../../lib/problem.js";

const LOOK_EVERY = 1000;

const STOPPED = {
  empty: "until the event subscription was empty",
  visited: "for what was there",
  budget: "until the time for one pull was used up",
  stuck: "until every handler had exceeded its time",
  ended: "until it was told to stop",
  failed: "until something failed",
};

/** The head above the cards, with the button for all; `changed` is called when a pull starts and when it has ended. */
export function pullHead(cards, changed) {
  const outcome = element("div", { class: "outcome", role: "status", id: "pull-outcome" });
  const all = operatorOnly(button("Pull all now", pullAll, { kind: "primary", id: "pull-all" }));

  async function pull(path, chosen, buttons, place) {
    changed();
    const soFar = element("span", {});
    const looking = lookAgain(chosen, soFar);
    const answer = await busy(buttons, place, element("span", {}, "Receiving until nothing is left. ", soFar), () => call("POST", path, { patience: 180 }));
    clearInterval(looking);
    const results = answer.data?.subscriptions ?? [];
    say(place, answer, () => sentence(results));
    showResults(results, chosen);
    changed();
  }

  function pullAll() {
    pull("pull", cards.all(), [all, ...cards.all().map((card) => card.pull)], outcome);
  }

  cards.whenMade((made) => {
    for (const card of made) {
      const path = `pull?subscription=${encodeURIComponent(card.name)}`;
      onPress(card.pull, () => pull(path, [card], [all, card.pull], card.outcome));
    }
  });
  return [
    element("div", { class: "section-head" },
      element("div", {},
        element("h2", { id: "subscriptions-title" }, "Event subscriptions"),
        element("p", { class: "lead" }, "Deliveries per minute over the last 30 minutes, and the latest entries of the audit log.")),
      all),
    outcome,
  ];
}

// Each second, what the cards show that they did not before; most pulls are over before the first look.
function lookAgain(cards, soFar) {
  const before = cards.map((card) => new Set(card.rows.keys()));
  return setInterval(async () => {
    await Promise.all(cards.map((card) => card.refresh(call)));
    const came = cards.map((card, index) => [...card.rows.keys()].filter((row) => !before[index].has(row)).length);
    const isMore = cards.some((card, index) => came[index] && came[index] === card.rows.size);
    soFar.textContent = `So far: ${count(came.reduce((sum, each) => sum + each, 0), "event")}${isMore ? " and more" : ""}.`;
  }, LOOK_EVERY);
}

function sentence(results) {
  const received = results.reduce((sum, result) => sum + (result.received ?? 0), 0);
  const broken = results.filter(({ error }) => error).map(({ subscription }) => subscription);
  return `Pull finished: ${count(received, "event")} received${broken.length ? `; errors at ${broken.join(", ")}` : ""}.`;
}

function showResults(results, cards) {
  for (const card of cards) {
    const result = results.find(({ subscription }) => subscription === card.name);
    if (result) {
      card.result.replaceChildren(resultView(result, card.result.querySelector("details")?.open ?? true));
    }
  }
}

function resultView(result, opened) {
  const deliveries = result.deliveries ?? [];
  return element("details", { class: "pulled", open: opened },
    element("summary", {}, `Last pull: ${counts(result)}`),
    element("p", { class: "quiet" }, manner(result)),
    result.error ? element("p", { class: "problem" }, result.error) : null,
    deliveries.length
      ? element("ul", { class: "rows" }, deliveries.map((delivery) => deliveryRow(delivery)))
      : null,
    result.omitted ? element("p", { class: "quiet" }, `and ${result.omitted.toLocaleString()} more that are not listed here`) : null);
}

function counts(result) {
  const words = dispositions
    .filter((disposition) => result.settled?.[disposition])
    .map((disposition) => `${result.settled[disposition]} ${dispositionWord(disposition)}`);
  const failed = Object.entries(result.failed ?? {})
    .filter(([, number]) => number)
    .map(([code, number]) => `${number} not settled (${code})`);
  return [`${result.received ?? 0} received`, ...words, ...failed].join(", ");
}

function manner(result) {
  const joined = result.joined ? "Joined a drain that was already at work, " : "Drained ";
  const stopped = STOPPED[result.stopped] ?? `stopped: ${result.stopped}`;
  return `${joined}${stopped} (${Number(result.seconds ?? 0).toFixed(1)}\u00a0s).`;
}
