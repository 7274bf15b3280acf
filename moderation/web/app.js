// The page: its sections, put together, and one loop that keeps them current.
import { refreshActivity, refreshEntries, subscriptionCard, tellUnknown } from "./entries.js";
import { element, moment } from "./dom.js";
import { healthStrip } from "./health.js";
import { inspecting } from "./inspect.js";
import { keyForm } from "./key.js";
import { lifeDialog } from "./life.js";
import { poll } from "./poll.js";
import { problemView } from "./problem.js";
import { publishing } from "./publish.js";
import { pulling } from "./pull.js";

const MINUTES = 30;
const section = (id) => document.getElementById(id);

const open = lifeDialog(section("life"));
const cards = [...document.querySelectorAll("[data-subscription]")].map(subscriptionCard);
const health = healthStrip(section("health"));
let failed = false;

/** One look at everything, one request after another; it ends at the first that fails. */
async function round() {
  await health.refresh();
  const steps = [
    ...cards.map((card) => () => refreshEntries(card, open)),
    () => refreshActivity(cards, MINUTES),
  ];
  let anything = false;
  for (const step of steps) {
    const { answer, changed } = await step();
    anything ||= changed;
    if (!answer.ok) {
      return stumbled(answer);
    }
  }
  failed = false;
  section("refresh-problem").replaceChildren();
  return anything;
}

function stumbled(answer) {
  failed = true;
  // A missing key is said once, where it can be given.
  section("refresh-problem").replaceChildren(answer.status === 401 ? "" : problemView(answer));
  cards.forEach(tellUnknown);
  return false;
}

function tellPulse(delay) {
  if (delay > 0) {
    section("pulse").replaceChildren(
      element("span", { class: failed ? "dot failing" : "dot", "aria-hidden": "true" }),
      failed ? "Could not be refreshed at " : "Live, as of ",
      moment(new Date().toISOString()),
      failed ? `; next try in ${Math.round(delay / 1000)} s` : "");
  }
}

const again = poll(round, tellPulse);
const look = () => {
  health.soon();
  again();
};
keyForm(section("key"), look);
publishing(section("publish"), look, open);
inspecting(section("inspect"), look);
pulling(section("pull-all"), cards, look, open);
section("zone").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "local time";
