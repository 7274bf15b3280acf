// Why not: which event subscriptions take an event, and which clause of a filter refuses it.
import { busy } from "../../lib/busy.js";
import { count, element, labelled, typeName, value } from "../../lib/dom.js";
import { problemList, problemView } from "../../lib/problem.js";
import { field, nothing, select } from "../shared/fields.js";
import { filtersView } from "../shared/filters.js";
import { samples } from "../shared/samples.js";

const REST = 500;

export const view = { mount, keep: true };

function mount(place, params, shell) {
  const text = element("textarea", { rows: "16", spellcheck: "false", autocomplete: "off", autocapitalize: "off" });
  const sample = select(samples.map(([label], index) => [String(index), label]), "0");
  const ask = element("button", { class: "primary" }, "Explain");
  const status = element("div", { class: "outcome", role: "status" });
  const answerPlace = element("div", { class: "why-answer" });
  const filters = element("div", {}, element("p", { class: "quiet" }, "Loading the topology…"));
  const form = element("form", { class: "fields" },
    field("Begin with", sample),
    field("Event", text, { hint: "A CloudEvent, a moderation result as the API takes it, or a list of either. Nothing is published." }),
    element("div", { class: "buttons" }, ask, element("span", { class: "hint" }, "Updated as you type.")));
  place.append(
    element("div", { class: "why-grid" },
      element("section", { class: "card", "aria-labelledby": "why-event" }, element("h2", { id: "why-event" }, "This event"), form),
      element("section", { class: "card", "aria-labelledby": "why-who" }, element("h2", { id: "why-who" }, "Who takes it"), status, answerPlace)),
    element("section", { class: "card", "aria-labelledby": "why-filters" }, element("h2", { id: "why-filters" }, "Filters of the event subscriptions"), filters));

  let timer = null;
  let turn = 0;
  async function look() {
    clearTimeout(timer);
    const mine = (turn += 1);
    if (!text.value.trim()) {
      status.replaceChildren();
      return answerPlace.replaceChildren(nothing("Paste an event, or begin with a sample."));
    }
    const options = { body: text.value, type: contentType(text.value), quiet: false };
    const [why, check] = await busy([], status, "Evaluating the filters…", () => Promise.all([
      shell.call("POST", "why", options), shell.call("POST", "events/check", options)]));
    if (mine !== turn || why.aborted) {
      return undefined;
    }
    return show(why, check);
  }

  function show(why, check) {
    const refused = refusals(check);
    answerPlace.replaceChildren(...[
      refused,
      why.ok ? (why.data.events ?? []).map(eventView) : refused && [400, 415].includes(why.status) ? null : problemView(why),
    ].flat().filter(Boolean));
    status.replaceChildren(why.ok ? element("p", { class: "unseen" }, sentence(why.data.events ?? [])) : "");
  }

  const begin = () => {
    text.value = samples[Number(sample.value)][1]();
    look();
  };
  sample.addEventListener("change", begin);
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, REST);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  begin();
  shell.topology().then((answer) => filters.replaceChildren(answer.ok ? filtersView(answer.data) : problemView(answer)));
  return { update() {} };
}

/** CloudEvents have `specversion`; anything else is a moderation result. */
function contentType(text) {
  try {
    const content = JSON.parse(text);
    const first = Array.isArray(content) ? content[0] : content;
    if (first && typeof first === "object" && "specversion" in first) {
      return Array.isArray(content) ? "application/cloudevents-batch+json" : "application/cloudevents+json";
    }
  } catch {
    // said by the app, with the place
  }
  return "application/json";
}

function refusals(check) {
  if (check.ok && check.data.valid) {
    return null;
  }
  const found = check.ok ? check.data : check.problem;
  if (!check.ok && check.status !== 400 && check.status !== 413) {
    return problemView(check);
  }
  return element("div", { class: "problem" },
    element("p", { class: "problem-title" }, element("span", { class: "mark", "aria-hidden": "true" }, "!"), "Publishing would refuse it"),
    found.problems?.length ? null : element("p", { class: "detail" }, value(found.detail ?? "", { limit: 1000 })),
    problemList(found.problems));
}

function sentence(events) {
  return events.map((event) => {
    const takers = (event.subscriptions ?? []).filter(({ takes }) => takes).map(({ name }) => name);
    return takers.length ? `${takers.join(", ")} ${takers.length === 1 ? "takes" : "take"} it.` : "No event subscription takes it.";
  }).join(" ").slice(0, 1000);
}

function eventView(event, index, all) {
  const takers = (event.subscriptions ?? []).filter(({ takes }) => takes).length;
  return element("div", { class: "why-event" },
    all.length > 1 ? element("h3", {}, `Event ${index + 1} of ${all.length}: `, typeName(event.type)) : null,
    element("p", { class: "quiet" }, `Taken by ${takers} of ${count((event.subscriptions ?? []).length, "event subscription")}.`),
    element("ul", { class: "takers" }, (event.subscriptions ?? []).map(takerView)));
}

function takerView({ name, takes, clauses }) {
  return element("li", { class: takes ? "taker takes" : "taker refuses" },
    element("p", { class: "row-line" },
      element("strong", { class: "id" }, value(name, { limit: 80 })),
      takes ? labelled("acknowledge", "✓", "takes it") : labelled("reject", "✕", "refuses it")),
    clauses?.length
      ? element("ul", { class: "clauses" }, clauses.map(clauseView))
      : element("p", { class: "quiet" }, "It has no filter."));
}

function clauseView(clause) {
  return element("li", { class: clause.holds ? "holds" : "fails" },
    element("span", { class: "mark", "aria-hidden": "true" }, clause.holds ? "✓" : "✕"),
    element("div", {},
      element("code", {}, value(typeof clause.clause === "string" ? clause.clause : JSON.stringify(clause.clause), { limit: 400 })),
      element("p", { class: clause.holds ? "quiet" : "" },
        element("span", { class: "unseen" }, clause.holds ? "Holds: " : "Does not hold: "),
        value(clause.because ?? "", { limit: 600 }))));
}
