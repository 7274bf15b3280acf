"use strict";

const byId = (id) => document.getElementById(id);
const columns = ["name", "ready", "locked", "delayed", "oldestAgeSeconds", "waitingReceivers",
  "matched", "received", "acknowledged", "released", "rejected", "renewed", "failedTokens",
  "deadLettered", "dropped"];

function element(tag, text) {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}

async function ask(path, options) {
  const answer = await fetch(`/_local${path}`, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ? body.error.message : answer.statusText);
  return body;
}

const send = (path, body) => ask(path, { method: "POST", body });

async function showProblems(work, place = "state") {
  try {
    await work();
    byId(place).textContent = "";
  } catch (problem) {
    byId(place).textContent = problem.message;
  }
}

async function refresh() {
  const [seen, clock, on] = await Promise.all(["/subscriptions", "/clock", "/faults"].map((path) => ask(path)));
  byId("namespace").textContent = seen.namespace;
  byId("time").textContent = clock.now;
  byId("ahead").textContent = clock.ahead ? `${clock.ahead.toLocaleString("en")} seconds ahead of this machine.` : "";
  byId("hits").textContent = on.faults.map((fault) => `${fault.kind}: ${fault.hits} hits`).join("; ")
    || "No fault is switched on.";
  byId("topics").textContent = seen.topics.map((topic) =>
    `${topic.topic}: ${topic.published} published, ${topic.unmatched} unmatched`).join("; ")
    + `; ${seen.deadLettersWaiting} dead letters waiting`;
  const names = seen.topics.flatMap((topic) =>
    topic.eventSubscriptions.map((subscription) => `${topic.topic}/${subscription.name}`));
  const choice = byId("look").elements.subscription;
  if ([...choice.options].map((option) => option.value).join() !== names.join()) {
    choice.replaceChildren(...names.map((name) => element("option", name)));
  }
  byId("rows").replaceChildren(...seen.topics.flatMap((topic) => topic.eventSubscriptions).map((subscription) => {
    const row = document.createElement("tr");
    row.append(...columns.map((column) => element("td", subscription[column] ?? "–")));
    return row;
  }));
}

function showList(place, entries, empty) {
  byId(place).replaceChildren(...(entries.length ? entries : [element("li", empty)]));
}

// Text as it came: parsed and printed anew, a large number would be another number.
async function readItems(path, member) {
  const answer = await fetch(`/_local${path}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(JSON.parse(text).error.message);
  return items(text, member);
}

// The members of the list under that name, cut out of the JSON without reading it.
function items(text, member) {
  const found = [];
  let depth = 0, from = 0;
  for (const token of text.slice(text.indexOf(`"${member}":[`)).matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token[0] === "{" && ++depth === 1) from = token.index;
    if (token[0] === "}" && --depth === 0) {
      const start = text.indexOf(`"${member}":[`);
      found.push(text.slice(start + from, start + token.index + 1));
    }
  }
  return found;
}

const asItem = (text) => {
  const item = document.createElement("li");
  item.append(element("code", text));
  return item;
};

byId("reset").addEventListener("click", () => showProblems(async () => {
  if (!confirm("Forget all events, locks, dead letters, faults and the past?")) return;
  await send("/reset", "{}");
  await refresh();
}));

byId("look").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const [topic, subscription] = new FormData(submitted.target).get("subscription").split("/");
  showProblems(async () => {
    const found = await readItems(`/events?${new URLSearchParams({ topic, subscription })}`, "events");
    showList("events", found.map(asItem), "It holds nothing.");
  });
});

byId("dead").addEventListener("click", () => showProblems(async () => {
  const found = await readItems("/deadletters", "deadLetters");
  showList("deadletters", found.reverse().slice(0, 50).map(asItem), "There are none.");
}));

byId("faults").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  showProblems(async () => {
    await send("/faults", new FormData(submitted.target).get("plan"));
    await refresh();
  });
});

byId("topology").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const body = new FormData(submitted.target).get("document");
  showProblems(async () => {
    await ask("/topology", { method: "PUT", body });
    await refresh();
  });
});

async function begin() {
  await refresh();
  byId("topology").elements.document.value = JSON.stringify(await ask("/topology"), null, 2);
}

byId("columns").append(...columns.map((column) =>
  element("th", column.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`))));

document.querySelectorAll("[data-advance]").forEach((button) =>
  button.addEventListener("click", () => showProblems(async () => {
    await send("/clock", JSON.stringify({ advance: Number(button.dataset.advance) }));
    await refresh();
  })));

byId("history").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const id = new FormData(submitted.target).get("id");
  showProblems(async () => {
    const { steps } = await ask(`/events?id=${encodeURIComponent(id)}`);
    const entries = steps.map((step) => element("li", `${step.time} ${step.what} ${step.subscription ?? ""}`));
    showList("steps", entries, "Nothing is known about it.");
  });
});

byId("explain").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  showProblems(async () => {
    const answer = await send("/explain", new FormData(submitted.target).get("event"));
    const refused = answer.problem ? [element("li", `A publish would refuse it: ${answer.problem}`)] : [];
    byId("verdicts").replaceChildren(...refused, ...answer.eventSubscriptions.map((verdict) => {
      const item = element("li", `${verdict.name}: ${verdict.matches ? "receives it" : "does not receive it"}`);
      const clauses = [`its type ${verdict.includedEventTypes.matches ? "is" : "is not"} included`,
        ...verdict.filters.map((clause) => clause.why)];
      const list = document.createElement("ul");
      list.append(...clauses.map((clause) => element("li", clause)));
      item.append(list);
      return item;
    }));
  });
});

showProblems(begin, "reach");
setInterval(() => showProblems(refresh, "reach"), 2000);
