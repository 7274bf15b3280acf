// One line per dependency, and what to do about those that fail.
import { call } from "./api.js";
import { element, part, value } from "./dom.js";
import { nextStep, problemList, problemView } from "./problem.js";

const EVERY = 30_000;
const WHEN_FAILING = 5_000;

/** Shows the health in this section: `refresh` asks when that is due, `soon` makes it due. */
export function healthStrip(section) {
  let due = 0;
  return {
    soon: () => {
      due = 0;
    },
    refresh: async () => {
      if (performance.now() >= due) {
        due = Infinity;
        const answer = await call("GET", "health");
        due = Math.min(due, performance.now() + (answer.ok ? EVERY : WHEN_FAILING));
        show(section, answer);
      }
    },
  };
}

function show(section, answer) {
  const checks = answer.data?.checks;
  const known = Array.isArray(checks);
  const said = known ? summary(checks) : answer.problem.title;
  const outcome = part(section, "outcome");
  if (outcome.textContent !== said) {
    outcome.textContent = said;
  }
  part(section, "checks").replaceChildren(known
    ? element("ul", { class: "checks" }, Object.values(Object.groupBy(checks, (one) => one.name)).map(check))
    : notKnown(answer));
}

// A missing key is said once, where it can be given.
function notKnown(answer) {
  return answer.status === 401
    ? element("p", { class: "quiet" }, "Nothing can be said of the dependencies without a function key.")
    : problemView(answer);
}

function summary(checks) {
  const failing = new Set(checks.filter((one) => !one.ok).map((one) => one.name));
  return failing.size ? `Not healthy: ${[...failing].join(", ")}.` : "Every dependency answers.";
}

// Checks of one name are one line: each settings problem comes as a check of its own.
function check(same) {
  const one = same.find((each) => !each.ok) ?? same[0];
  const rest = same.length > 1;
  return element("li", { class: one.ok ? "ok" : "failing" },
    element("p", { class: "check-name" },
      element("span", { class: "mark", "aria-hidden": "true" }, one.ok ? "✓" : "!"),
      value(one.name),
      element("span", { class: one.ok ? "unseen" : "label reject" }, one.ok ? "ok" : "failing")),
    rest ? problemList(same.map((each) => each.detail)) : null,
    one.detail && !rest ? element("p", { class: "check-detail" }, value(one.detail, { limit: 600 })) : null,
    problemList(one.problems),
    !one.ok && one.next ? nextStep(one.next) : null);
}
