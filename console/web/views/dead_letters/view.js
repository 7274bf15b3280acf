// Dead letters: those of a day, by event subscription; chosen ones go back through their own handler.
import { busy, button } from "../../lib/busy.js";
import { element } from "../../lib/dom.js";
import { linkTo } from "../../lib/links.js";
import { problemView } from "../../lib/problem.js";
import { go, keep, withQuery } from "../../shell/router.js";
import { exportButtons } from "../shared/export.js";
import { choices, field, nothing, refill, subscriptionSelect } from "../shared/fields.js";
import { keyOf, letterRow } from "./row.js";
import { letterDialog } from "./dialog.js";
import { redriving } from "./redrive.js";

const NAME = "deadletters";
const PAGE = 50;
const EVERY = 30_000;
const DAY = /^\d{4}-\d\d-\d\d$/;

export const view = { mount };

function mount(place, params, shell) {
  const state = { ...asked(params), rows: new Map(), cursor: null, due: 0, turn: 0, known: "" };
  const parts = {
    head: element("div", { class: "view-head" }),
    status: element("p", { class: "status", role: "status" }, "Loading dead letters…"),
    problem: element("div", {}),
    list: element("ul", { class: "letters" }),
    empty: element("div", { hidden: true }),
    others: element("p", { class: "hint" }),
    more: button("Show more", () => load(true), { kind: null, hidden: true }),
  };
  const dialog = letterDialog(shell, () => keep(NAME, address(state)));
  const redrive = redriving(shell, state, () => load(false, { quiet: true }));
  const card = element("section", { class: "card", "aria-label": "Dead letters of the day" },
    parts.status, parts.problem, redrive.all, parts.list, parts.empty, parts.more, parts.others, redrive.bar);
  place.append(parts.head, redrive.results, card, dialog.node, redrive.dialog);

  function open(letter) {
    keep(NAME, { ...address(state), name: letter.name, index: letter.index });
    dialog.open(letter);
  }

  async function load(more, { quiet = false } = {}) {
    const turn = (state.turn += 1);
    state.due = performance.now() + EVERY;
    const ask = () => shell.call("GET", path(state, { limit: PAGE, cursor: more ? state.cursor : null }), { patience: 60 });
    const answer = more ? await busy([parts.more], parts.status, "Loading more…", ask) : await ask();
    if (turn !== state.turn || answer.aborted) {
      return null;
    }
    if (!answer.ok) {
      fail(answer, more || quiet);
      return answer;
    }
    parts.problem.replaceChildren();
    show(answer.data, more);
    return answer;
  }

  function fail(answer, keepList) {
    parts.status.textContent = "";
    parts.problem.replaceChildren(keepList ? problemView(answer) : "");
    state.due = 0;
    state.known = "";
    if (!state.rows.size) {
      parts.empty.hidden = false;
      parts.empty.replaceChildren(element("p", { class: "quiet" }, "Not loaded yet; the page keeps trying."));
    }
  }

  function show(data, more) {
    const letters = data.deadLetters ?? [];
    state.cursor = data.cursor ?? null;
    state.day = state.day || data.day;
    const known = JSON.stringify(letters);
    if (!more && known === state.known) {
      return;
    }
    state.known = more ? "" : known;
    if (!more) {
      state.rows.clear();
      parts.list.replaceChildren();
    }
    for (const letter of letters) {
      const row = letterRow(letter, { open, choose: redrive.changed, chooses: !state.archived });
      state.rows.set(keyOf(letter), row);
      parts.list.append(row.node);
    }
    tell(data);
    redrive.shown();
  }

  function tell(data) {
    const number = state.rows.size;
    parts.empty.hidden = number > 0;
    parts.empty.replaceChildren(number ? "" : none(state));
    if (data.days) {
      parts.others.replaceChildren(...otherDays(state, data.days));
    }
    parts.more.hidden = !state.cursor;
    const kind = state.archived ? "archived" : "waiting";
    const rest = data.complete === false || state.cursor ? ", and there are more" : "";
    parts.status.textContent = number ? `${number.toLocaleString()} ${kind}${rest}.` : "";
  }

  function restart() {
    Object.assign(state, { due: 0, cursor: null, known: "" });
    state.rows.clear();
    parts.list.replaceChildren();
    parts.empty.hidden = parts.more.hidden = true;
    parts.others.replaceChildren();
    parts.status.textContent = "Loading dead letters…";
    redrive.reset();
    controls(parts.head, state, shell);
  }

  controls(parts.head, state, shell);
  openNamed(params, open);
  return {
    update(changed) {
      const before = JSON.stringify(address(state));
      Object.assign(state, asked(changed));
      if (JSON.stringify(address(state)) !== before) {
        restart();
        shell.look();
      }
      openNamed(changed, open);
    },
    async refresh() {
      // What is chosen or opened stays where it is.
      const still = redrive.holds() || dialog.node.open || state.rows.size > PAGE;
      if (performance.now() < state.due || still) {
        return null;
      }
      const answer = await load(false);
      return answer ? { answer, changed: answer.ok } : null;
    },
  };
}

function openNamed(params, open) {
  const name = params.get("name");
  if (name) {
    open({ name, index: Number(params.get("index") ?? 0) });
  }
}

function asked(params) {
  const day = params.get("day") ?? "";
  return {
    day: DAY.test(day) ? day : new Date().toISOString().slice(0, 10),
    subscription: params.get("subscription") ?? "",
    archived: params.get("archived") === "true",
  };
}

function address({ day, subscription, archived }) {
  return { day, subscription, archived: archived ? "true" : null };
}

function path(state, more) {
  return withQuery("deadletters", { ...address(state), ...more });
}

function controls(head, state, shell) {
  const to = (changed) => go(NAME, { ...address(state), ...changed });
  const tabs = choices("Which dead letters", NAME, [
    { label: "Waiting", params: { ...address(state), archived: null }, isChosen: !state.archived },
    { label: "Archived", params: { ...address(state), archived: "true" }, isChosen: state.archived },
  ]);
  const day = element("input", { type: "date", value: state.day, max: new Date().toISOString().slice(0, 10), required: true });
  day.addEventListener("change", () => DAY.test(day.value) && to({ day: day.value }));
  const box = subscriptionSelect(shell, state.subscription, "all");
  box.addEventListener("change", () => to({ subscription: box.value }));
  refill(head, tabs, dayField(day, state, to), field("Event subscription", box), exporting(state, shell));
}

function dayField(day, state, to) {
  const step = (words, by) => {
    const other = new Date(Date.parse(state.day) + by * 86_400_000).toISOString().slice(0, 10);
    return button(by < 0 ? "‹" : "›", () => to({ day: other }), { "aria-label": words, title: words, disabled: other > day.max });
  };
  const whole = field("Day (UTC)", day);
  whole.classList.add("day");
  day.before(step("The day before", -1));
  day.after(step("The day after", 1));
  return whole;
}

function exporting(state, shell) {
  const { buttons, status } = exportButtons({
    pathOf: (page) => path(state, page), limit: 200, signal: shell.signal, name: () => `dead-letters-${state.day}`,
  });
  return element("div", { class: "field export" }, element("span", { class: "field-label" }, "Export"), element("div", { class: "buttons" }, buttons), status);
}

function none(state) {
  const where = state.subscription ? ` in ${state.subscription}` : "";
  return nothing(
    state.archived
      ? `No event${where} that was dead-lettered on this day has been redriven and archived.`
      : `Nothing was dead-lettered${where} on this day: every event was acknowledged, or is still to be delivered again.`,
    state.archived ? null : element("p", {}, "To see one: ", linkTo("now", {}, "inspect and reject a probe"), " (it is rejected again), or ",
      linkTo("peek", {}, "reject an event by hand"), ", which a redrive can complete. It appears here within moments."));
}

function otherDays(state, days) {
  const others = days.filter((day) => day !== state.day).slice(0, 14);
  return others.length
    ? ["Other days with dead letters: ", ...others.flatMap((day, index) => [index ? ", " : "", linkTo(NAME, { ...address(state), day }, day)]), "."]
    : [];
}
