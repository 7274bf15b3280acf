// Now: publish, pull and inspect by hand, and see at once what became of it.
import { cardsOf } from "./cards.js";
import { inspectSection } from "./inspect.js";
import { publishSection } from "./publish.js";
import { pullHead } from "./pull.js";
import { element } from "../../lib/dom.js";

const MINUTES = 30;

export const view = {
  keep: true,
  mount(place, _params, shell) {
    const cards = cardsOf();
    const head = pullHead(cards, shell.look);
    const inspect = inspectSection(shell.look);
    place.append(
      element("div", { class: "pair" }, publishSection(shell), inspect.node),
      element("section", { id: "subscriptions", "aria-labelledby": "subscriptions-title" }, head, cards.place));
    return { refresh: () => refresh(cards, inspect, shell) };
  },
};

/** One look at everything, one request after another; it ends at the first that fails. */
async function refresh(cards, inspect, shell) {
  let changed = false;
  const known = await cards.know(shell);
  if (!known.ok) {
    return { answer: known, changed };
  }
  inspect.know(known.data);
  for (const card of cards.all()) {
    const looked = await card.refresh(shell.call);
    changed ||= looked.changed;
    if (!looked.answer.ok) {
      cards.tellUnknown();
      return { answer: looked.answer, changed };
    }
  }
  const answer = await shell.call("GET", `activity?minutes=${MINUTES}`);
  if (answer.ok) {
    shell.alerts(answer.data.alerts);
    cards.showActivity(answer.data, MINUTES);
  }
  return { answer, changed };
}
