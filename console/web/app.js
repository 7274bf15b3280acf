// The page: its shell, the view that the address names, and one loop that keeps both current.
import { alertsBanner } from "./shell/alerts.js";
import { call } from "./lib/api.js";
import { callerBadge } from "./shell/caller.js";
import { element, moment } from "./lib/dom.js";
import { healthPulse } from "./shell/health.js";
import { keyForm } from "./shell/key.js";
import { navigation } from "./shell/nav.js";
import { poll } from "./shell/poll.js";
import { problemView } from "./lib/problem.js";
import { here } from "./shell/router.js";
import { stageOf } from "./shell/stage.js";
import { first } from "./views.js";

const ALERTS_EVERY = 30_000;
const NAME = "Moderation events";
const section = (id) => document.getElementById(id);

let failed = false;
let alertsDue = 0;
let topology = null;

const showAlerts = alertsBanner(section("alerts"));
const health = healthPulse(section("health-pulse"));
const mark = navigation(section("nav"));
const askKey = keyForm(section("key"), () => {
  caller.soon();
  look();
});
const caller = callerBadge(section("caller"), askKey);
const stage = stageOf(section("stage"), { look: () => look(), title, alerts, topology: askTopology }, entered);
const again = poll(round, tellPulse);

/** One look at everything, one request after another; it ends at the first that fails. */
async function round() {
  await caller.refresh();
  const view = stage.view();
  const seen = (await view?.refresh?.()) ?? null;
  await health.refresh();
  if (seen?.answer && !seen.answer.ok && view === stage.view()) {
    return stumbled(seen.answer);
  }
  const looked = await lookForAlerts();
  if (looked && !looked.ok) {
    return stumbled(looked);
  }
  failed = false;
  section("refresh-problem").replaceChildren();
  return seen?.changed ?? false;
}

function stumbled(answer) {
  if (answer.aborted) {
    return false;
  }
  failed = true;
  // A missing key is said once, where it can be given; what the health says of it, there.
  section("refresh-problem").replaceChildren(answer.needsKey ? "" : problemView(answer));
  return false;
}

async function lookForAlerts() {
  if (performance.now() < alertsDue) {
    return null;
  }
  const answer = await call("GET", "activity?minutes=30");
  if (answer.ok) {
    alerts(answer.data.alerts);
  }
  return answer;
}

function alerts(list) {
  alertsDue = performance.now() + ALERTS_EVERY;
  showAlerts(list);
}

/** The topic and its event subscriptions: asked once, because they change with a deployment only. */
async function askTopology() {
  topology = topology?.ok ? topology : await call("GET", "topology");
  return topology;
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

function look() {
  health.soon();
  again();
}

function title(words) {
  section("title").textContent = words;
  document.title = `${words} · ${NAME}`;
}

function entered(view) {
  title(view.label);
  mark(view.name);
  section("refresh-problem").replaceChildren();
}

addEventListener("hashchange", async () => {
  const before = section("title").textContent;
  await stage.enter(here(first));
  // Who came by the keyboard goes on at the view's head, also when what had the focus is gone.
  if (section("title").textContent !== before || document.activeElement === document.body) {
    section("title").focus({ preventScroll: true });
  }
});
section("skip").addEventListener("click", (event) => {
  event.preventDefault();
  section("main").focus();
});
section("zone").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "local time";
stage.enter(here(first));
