// What went wrong, in words: what, where, and what to do next.
import { count, element, value } from "./dom.js";

const MOST = 50;

/** A problem as a block of text; the status is shown when there was an answer. */
export function problemView(answer) {
  const { title, detail, next, problems } = answer.problem;
  return element("div", { class: "problem" },
    element("p", { class: "problem-title" },
      element("span", { class: "mark", "aria-hidden": "true" }, "!"),
      value(title, { limit: 300 }),
      answer.status ? element("span", { class: "quiet" }, `status ${answer.status}`) : null),
    detail ? element("p", { class: "detail" }, value(detail, { limit: 2000 })) : null,
    problemList(problems),
    idList("Published", answer.problem.published),
    idList("Not published", answer.problem.notPublished),
    next ? nextStep(next) : null);
}

/** Says in a live region how a call ended: its sentence, or its problem. */
export function outcome(place, answer, sentence) {
  place.replaceChildren(answer.ok ? sentence() : problemView(answer));
}

/** What to do next. */
export function nextStep(next) {
  return element("p", { class: "next" }, element("strong", {}, "What to do next: "), value(next, { limit: 2000 }));
}

/** Every problem with the place it is in; null when there are none. */
export function problemList(problems) {
  if (!problems?.length) {
    return null;
  }
  const more = problems.length - MOST;
  return element("ul", { class: "problems" },
    problems.slice(0, MOST).map(problemItem),
    more > 0 ? element("li", {}, `and ${more.toLocaleString()} more`) : null);
}

function problemItem(item) {
  if (typeof item === "string") {
    return element("li", {}, value(item, { limit: 500 }));
  }
  const where = item.path ?? item.name ?? item.setting;
  return element("li", {},
    where ? element("code", {}, value(where)) : null,
    where ? " " : null,
    value(item.problem ?? JSON.stringify(item), { limit: 500 }));
}

function idList(label, ids) {
  if (!ids?.length) {
    return null;
  }
  const shown = ids.slice(0, MOST).map((id) => element("li", {}, element("code", {}, value(id))));
  return element("details", { class: "ids" },
    element("summary", {}, `${label}: ${count(ids.length, "event")}`),
    element("ul", {}, shown));
}
