// Flow: what went through the event subscriptions in the last minutes or hours, as charts.
import { duration, element, moment, part, value } from "../../lib/dom.js";
import { alertView } from "../../shell/alerts.js";
import { go, withQuery } from "../../shell/router.js";
import { choices, field, refill, subscriptionSelect } from "../shared/fields.js";
import { flowCharts } from "./charts.js";
import { confidenceView, heatView, modelsView } from "./breakdowns.js";

const NAME = "flow";
const RANGES = [[15, "15 min"], [60, "1 h"], [360, "6 h"], [1440, "24 h"]];
const EVERY = 10_000;
const COUNTS = [
  ["received", "Received"], ["acknowledge", "Acknowledged"], ["release", "Released"], ["reject", "Rejected"], ["failed", "Not settled"],
];

export const view = { mount };

function mount(place, params, shell) {
  const state = { ...asked(params), due: 0, turn: 0 };
  const head = element("div", { class: "view-head" });
  const alerts = attention();
  const charts = flowCharts();
  const body = element("div", { class: "flow-body", hidden: true },
    alerts.node,
    element("div", { "data-part": "tiles" }),
    element("div", { class: "flow-grid" },
      charts.cards,
      card("Categories by severity", "heat"), card("Confidence", "confidence"), card("Model versions", "models")));
  const waiting = element("p", { class: "quiet card", role: "status" }, "Loading the activity…");
  place.append(head, waiting, body);
  controls(head, state, shell);

  function show(answer) {
    waiting.remove();
    body.hidden = false;
    part(body, "tiles").replaceChildren(tiles(answer.data, state));
    charts.show(answer.data, state);
    const { totals = {} } = answer.data;
    part(body, "heat").replaceChildren(heatView(totals.matrix ?? []));
    part(body, "confidence").replaceChildren(confidenceView(totals.confidence ?? []));
    part(body, "models").replaceChildren(modelsView(totals.models ?? []));
    alerts.show(answer.data.alerts ?? []);
    if (!state.subscription) {
      shell.alerts(answer.data.alerts ?? []);
    }
  }

  return {
    update(changed) {
      Object.assign(state, asked(changed), { due: 0 });
      controls(head, state, shell);
      body.classList.add("stale");
      shell.look();
    },
    async refresh() {
      if (performance.now() < state.due) {
        return null;
      }
      const turn = (state.turn += 1);
      state.due = performance.now() + EVERY;
      const answer = await shell.call("GET", withQuery("activity", { minutes: state.minutes, subscription: state.subscription }), { patience: 60 });
      if (turn !== state.turn) {
        return null;
      }
      if (answer.ok) {
        show(answer);
        body.classList.remove("stale");
      } else if (!answer.aborted) {
        state.due = 0;
        waiting.textContent = "Not loaded yet; the page keeps trying.";
      }
      return { answer, changed: answer.ok };
    },
  };
}

function asked(params) {
  const minutes = Number(params.get("minutes"));
  return {
    minutes: RANGES.some(([range]) => range === minutes) ? minutes : 60,
    subscription: params.get("subscription") ?? "",
  };
}

/** The alerts in a card, also those that are only to be known; {node, show}. */
function attention() {
  const list = element("ul", {});
  const node = element("section", { class: "card", "aria-labelledby": "flow-alerts", hidden: true },
    element("h2", { id: "flow-alerts" }, "What needs attention"), list);
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

function controls(head, state, shell) {
  const ranges = choices("Range", NAME,
    RANGES.map(([minutes, label]) => ({ label, params: { minutes, subscription: state.subscription }, isChosen: minutes === state.minutes })));
  const box = subscriptionSelect(shell, state.subscription, "all");
  box.addEventListener("change", () => go(NAME, { minutes: state.minutes, subscription: box.value }));
  refill(head, ranges, field("Event subscription", box));
}

function card(title, name) {
  return element("section", { class: `card flow-${name}`, "aria-labelledby": `flow-${name}` },
    element("h2", { id: `flow-${name}` }, title), element("div", { "data-part": name }));
}

function tiles(data, state) {
  const sums = Object.fromEntries(COUNTS.map(([key]) => [key, 0]));
  for (const { subscriptions = {} } of data.minutes ?? []) {
    for (const [name, counts] of Object.entries(subscriptions)) {
      if (!state.subscription || name === state.subscription) {
        COUNTS.forEach(([key]) => (sums[key] += counts[key] ?? 0));
      }
    }
  }
  const { queueDelayMs = {}, handlingMs = {} } = data.totals ?? {};
  return element("dl", { class: "tiles" },
    COUNTS.map(([key, label]) => tile(label, sums[key].toLocaleString(), key === "failed" && sums[key] ? "bad" : "")),
    tile("Queue delay", spread(queueDelayMs), "", "From publication by this app to the first delivery"),
    tile("Handling time", spread(handlingMs), "", "How long the handlers of a batch took"),
    Object.entries(data.lastDrain ?? {})
      .filter(([name]) => !state.subscription || name === state.subscription)
      .map(([name, at]) => tile(value(name, { limit: 40 }), at ? moment(at) : "not yet", at ? "drained" : "drained bad", "When its last successful drain ended", "Last drain of ")));
}

function tile(label, what, kind, title = null, before = null) {
  return element("div", { class: `tile ${kind}`, title },
    element("dt", {}, before, label), element("dd", {}, what));
}

function spread({ p50, p99 }) {
  if (p50 === null || p50 === undefined) {
    return "–";
  }
  return element("span", { class: "spread" },
    element("span", {}, duration(p50), element("small", {}, " p50")), element("span", {}, duration(p99), element("small", {}, " p99")));
}
