// Whether everything that the app needs answers: a dot on every view, words when something does not.
import { call } from "../lib/api.js";
import { element, value } from "../lib/dom.js";
import { nextStep, problemList, problemView } from "../lib/problem.js";
import { href } from "./router.js";

const EVERY = 30_000;
const WHEN_FAILING = 5_000;
const LEAST = 3_000;
const LABELS = { ok: "unseen", attention: "label release", failing: "label reject" };

/** Shows the health in this place: `refresh` asks when that is due, `soon` makes it due. */
export function healthPulse(place) {
  let due = 0;
  let asked = -Infinity;
  let shown = "";
  const status = element("p", { class: "unseen", role: "status" });
  const seen = element("div", {});
  place.append(status, seen);
  return {
    soon: () => {
      due = Math.min(due, asked + LEAST);
    },
    refresh: async () => {
      if (performance.now() < due) {
        return;
      }
      asked = performance.now();
      due = Infinity;
      const answer = await call("GET", "health");
      due = performance.now() + (answer.ok ? EVERY : WHEN_FAILING);
      const now = JSON.stringify([answer.status, answer.data ?? null]);
      if (now !== shown) {
        shown = now;
        show(answer, status, seen);
      }
    },
  };
}

function show(answer, status, seen) {
  const checks = checksOf(answer);
  const wrong = checks?.filter(({ ok }) => !ok) ?? [];
  status.textContent = checks ? summary(wrong) : answer.problem.title;
  seen.replaceChildren(checks ? pulse(answer, wrong) : notKnown(answer));
}

/** The checks of an answer of the health endpoint; null when it has none. */
export function checksOf(answer) {
  return Array.isArray(answer.data?.checks) ? answer.data.checks : null;
}

function summary(wrong) {
  return wrong.length ? `Not healthy: ${[...new Set(wrong.map(({ name }) => name))].join(", ")}.` : "Every dependency responds.";
}

// A missing key is said once, where it can be given; no answer at all, by the round.
function notKnown(answer) {
  return answer.needsKey || answer.status === 0
    ? dot("dot unknown", "Health unknown")
    : problemView(answer);
}

function pulse(answer, wrong) {
  if (!wrong.length) {
    return dot("dot", "Healthy", href("settings"));
  }
  const advice = answer.status === 200;
  return element("details", { class: "unwell", open: !advice },
    element("summary", {}, dot(advice ? "dot waiting" : "dot failing", advice ? "Attention" : "Not healthy")),
    checksView(wrong));
}

function dot(kind, words, to = null) {
  return element(to ? "a" : "span", { class: "health-dot", href: to },
    element("span", { class: kind, "aria-hidden": "true" }), words);
}

/** The checks as a list: those of one name in one line, each settings problem under its own. */
export function checksView(checks) {
  return element("ul", { class: "checks" }, Object.values(Object.groupBy(checks, ({ name }) => name)).map(check));
}

function check(same) {
  const worst = same.find(({ ok }) => !ok) ?? same[0];
  const isOne = same.length === 1;
  // Numbers that do not agree are no failure: everything answers.
  const kind = worst.ok ? "ok" : worst.name.startsWith("doctor:") ? "attention" : "failing";
  return element("li", { class: kind },
    element("p", { class: "check-name" },
      element("span", { class: "mark", "aria-hidden": "true" }, worst.ok ? "✓" : "!"),
      value(worst.name),
      element("span", { class: LABELS[kind] }, kind)),
    isOne ? null : problemList(same.map(({ detail }) => detail)),
    worst.detail && isOne ? element("p", { class: "check-detail" }, value(worst.detail, { limit: 600 })) : null,
    problemList(worst.problems),
    !worst.ok && worst.next ? nextStep(worst.next) : null);
}
