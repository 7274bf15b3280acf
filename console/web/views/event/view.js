// One event: its life over all event subscriptions, its envelope, and a search for any id.
import { eventHead, searchForm } from "./head.js";
import { isSeveral, lifeSearch } from "./search.js";
import { standings, timeline } from "./timeline.js";
import { namesakes } from "./namesakes.js";
import { button } from "../../lib/busy.js";
import { payloadsAre } from "../../shell/caller.js";
import { count, element, moment } from "../../lib/dom.js";
import { envelopeView } from "../../lib/envelope.js";
import { problemView } from "../../lib/problem.js";

export const view = {
  mount(place, params, shell) {
    const id = params.get("id")?.trim() ?? "";
    const source = params.get("source") || null;
    place.append(searchForm(id, source));
    if (!id) {
      place.append(element("p", { class: "nothing card" },
        "Enter an event's id, or follow an event from anywhere on this page: every entry leads here."));
      return {};
    }
    return lifeOf(place, { id, source, at: params.get("at") }, shell);
  },
};

function lifeOf(place, asked, shell) {
  const seen = {
    head: element("div", {}),
    progress: element("div", { class: "buttons" }),
    status: element("p", { class: "outcome", role: "status" }),
    body: element("div", { class: "life" }),
    envelope: element("div", {}),
  };
  place.append(seen.head, element("div", { class: "buttons life-said" }, seen.status, seen.progress), seen.body, seen.envelope);
  let drawn = "";

  const search = lifeSearch({ ...asked, call: shell.call, tell });
  tell(search.state);

  function tell(state) {
    seen.status.textContent = sentence(state);
    seen.progress.replaceChildren(...progress(state, search));
    const now = JSON.stringify([state.steps, state.event, state.events, state.expected, state.complete]);
    if (now !== drawn && (state.steps.length || state.event || state.complete || isSeveral(state))) {
      drawn = now;
      if (isSeveral(state)) {
        seen.head.replaceChildren(namesakes(state));
        seen.body.replaceChildren();
        seen.envelope.replaceChildren();
        return;
      }
      seen.head.replaceChildren(eventHead(state, shell));
      seen.body.replaceChildren(standings(state), timeline(state));
      seen.envelope.replaceChildren(envelope(state, search) ?? "");
    }
  }

  return { refresh: search.refresh, unmount: search.stop };
}

function sentence(state) {
  if (isSeveral(state)) {
    return `${state.events.length} events have this id${state.complete ? "." : state.searching ? " so far. Looking for more…" : " so far."}`;
  }
  if (state.searching) {
    return state.steps.length ? `${count(state.steps.length, "step")} so far. Looking for more…` : "Searching the audit log…";
  }
  if (state.failed) {
    return "";
  }
  if (!state.steps.length) {
    return state.complete ? "Nothing is recorded of this id." : "Nothing found so far.";
  }
  const places = new Set(state.steps.map((step) => step.subscription).filter(Boolean)).size;
  return `${count(state.steps.length, "step")}${places ? ` over ${count(places, "event subscription")}` : ""}.${state.complete ? "" : " The search was stopped early: there may be more."}`;
}

function progress(state, search) {
  const parts = [];
  if (state.searching) {
    parts.push(element("span", { class: "spinner", "aria-hidden": "true" }));
  }
  if (state.since && (state.searching || !state.complete)) {
    parts.push(element("span", { class: "quiet" }, "searched back to ", moment(state.since)));
  }
  if (state.searching && state.pages > 0) {
    parts.push(button("Stop", search.stop));
  }
  if (!state.searching && !state.complete && state.begun && !state.failed) {
    parts.push(button("Search further", search.goOn));
  }
  if (state.failed) {
    parts.push(problemView(state.failed), button("Try again", search.goOn));
  }
  if (!state.searching && state.complete && !state.steps.length && !state.events.length) {
    parts.push(element("span", { class: "quiet" },
      "It may not have been pulled yet, or it may be older. Ids are case-sensitive; a time narrows the search."));
  }
  return parts;
}

// An event's data is private: it is shown when someone asks for it, and that is on record.
function envelope(state, search) {
  if (!state.event) {
    return null;
  }
  const hidden = state.redacted;
  const reveal = hidden && payloadsAre() !== "never" ? button("Reveal data", async () => {
    reveal.setAttribute("aria-busy", "true");
    await search.reveal();
  }) : null;
  return element("section", { class: "card", "aria-labelledby": "envelope-title" },
    element("div", { class: "section-head" }, element("h2", { id: "envelope-title" }, "Envelope"),
      hidden ? element("p", { class: "quiet buttons" },
        reveal ? "Its data is hidden. Revealing it is recorded, with your name. " : "Its data is never shown by this app (PAYLOADS).", reveal) : null),
    envelopeView(state.event));
}
