"use strict";

const byId = (id) => document.getElementById(id);
const columns = ["name", "ready", "locked", "delayed", "oldestAgeSeconds", "waitingReceivers",
  "matched", "received", "acknowledged", "released", "rejected", "renewed", "failedTokens",
  "deadLettered", "dropped"];

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

async function ask(path, options) {
  const answer = await fetch(`/_local${path}`, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ? body.error.message : answer.statusText);
  return body;
}

const send = (path, body) => ask(path, { method: "POST", body });

async function guarded(work, place = "state") {
  try {
    await work();
    byId(place).textContent = "";
  } catch (problem) {
    byId(place).textContent = problem.message;
  }
}

async function refresh() {
  const seen = await ask("/subscriptions");
  byId("namespace").textContent = seen.namespace;
  byId("time").textContent = seen.time;
  byId("topics").textContent = seen.topics.map((topic) =>
    `${topic.topic}: ${topic.published} published, ${topic.unmatched} unmatched`).join("; ")
    + `; ${seen.deadLettersWaiting} dead letters waiting`;
  byId("rows").replaceChildren(...seen.topics.flatMap((topic) => topic.eventSubscriptions).map((each) => {
    const row = document.createElement("tr");
    row.append(...columns.map((column) => element("td", each[column] ?? "–")));
    return row;
  }));
}

byId("columns").append(...columns.map((column) =>
  element("th", column.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`))));

document.querySelectorAll("[data-advance]").forEach((button) =>
  button.addEventListener("click", () => guarded(async () => {
    await send("/clock", JSON.stringify({ advance: Number(button.dataset.advance) }));
    await refresh();
  })));

byId("history").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const id = new FormData(submitted.target).get("id");
  guarded(async () => {
    const life = await ask(`/events?id=${encodeURIComponent(id)}`);
    const steps = life.steps.map((step) =>
      element("li", `${step.time} ${step.what} ${step.subscription ?? ""}`));
    byId("steps").replaceChildren(...(steps.length ? steps : [element("li", "Nothing is known about it.")]));
  });
});

byId("explain").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  guarded(async () => {
    const told = await send("/explain", new FormData(submitted.target).get("event"));
    const refused = told.problem ? [element("li", `A publish would refuse it: ${told.problem}`)] : [];
    byId("verdicts").replaceChildren(...refused, ...told.eventSubscriptions.map((each) => {
      const item = element("li", `${each.name}: ${each.matches ? "receives it" : "does not receive it"}`);
      const clauses = [`its type ${each.includedEventTypes.matches ? "is" : "is not"} included`,
        ...each.filters.map((clause) => clause.why)];
      const list = document.createElement("ul");
      list.append(...clauses.map((clause) => element("li", clause)));
      item.append(list);
      return item;
    }));
  });
});

guarded(refresh, "reach");
setInterval(() => guarded(refresh, "reach"), 2000);
