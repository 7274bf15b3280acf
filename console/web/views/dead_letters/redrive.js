// Redriving: chosen dead letters through the handler of their own event subscription, after a dry run.
import { busy, onPress } from "../../lib/busy.js";
import { operatorOnly } from "../../shell/caller.js";
import { dispositionLabel } from "../../lib/delivery.js";
import { count, element, part, value } from "../../lib/dom.js";
import { outcome } from "../../lib/problem.js";
import { labelled, linkTo } from "../shared/fields.js";
import { keyOf, nameOf } from "./row.js";

const CAP = 50;
const PATIENCE = 300;
const OTHER = {
  skipped: ["other", "–", "left out"],
  notBegun: ["other", "…", "not begun: the time was up"],
  already: ["other", "↻", "redriven already"],
};
const DRY = { ...OTHER, notBegun: ["acknowledge", "→", "ready"] };

/** What chooses and redrives: {all, bar, results, dialog, changed, shown, reset, holds}. */
export function redriving(shell, state, done) {
  const tried = { of: "", results: [] };
  const box = element("input", { type: "checkbox", id: "choose-all", class: "choose" });
  const all = element("div", { class: "choose-all", hidden: true }, box,
    element("label", { for: "choose-all" }, "Choose all on this page"), element("span", { class: "hint" }, `at most ${CAP} at once`));
  const dry = operatorOnly(element("button", { type: "button", class: "primary" }, "Dry run"));
  const wet = operatorOnly(element("button", { type: "button" }, "Redrive…"));
  const clear = element("button", { type: "button", class: "plain" }, "Choose none");
  const said = element("p", { class: "chosen", role: "status" });
  const place = element("div", { class: "outcome", role: "status" });
  const bar = element("div", { class: "chosen-bar", role: "group", "aria-label": "What to do with the chosen ones", hidden: true },
    said, element("div", { class: "buttons" }, dry, wet, clear), place);
  const results = element("div", { class: "results", "aria-live": "polite" });
  const dialog = confirmation();

  const chosen = () => [...state.rows.values()].filter((row) => row.isChosen());
  const which = (rows) => rows.map((row) => keyOf(row.letter)).join();

  function changed() {
    const rows = chosen();
    const over = rows.length > CAP;
    const isTried = tried.of !== "" && tried.of === which(rows);
    bar.hidden = !rows.length;
    said.textContent = `${rows.length} chosen${over ? `: at most ${CAP} can be redriven at once` : ""}. ${isTried ? "" : "A dry run comes first: it says which can be redriven, and changes nothing."}`;
    dry.toggleAttribute("data-resting", over);
    dry.setAttribute("aria-disabled", String(over || dry.hasAttribute("data-forbidden")));
    wet.hidden = !isTried;
    dry.classList.toggle("primary", !isTried);
    wet.classList.toggle("primary", isTried);
    box.checked = rows.length > 0 && rows.length === Math.min(CAP, free().length);
    box.indeterminate = rows.length > 0 && !box.checked;
  }

  function free() {
    return [...state.rows.values()].filter((row) => !row.node.classList.contains("gone"));
  }

  async function ask(rows, dryRun) {
    const body = JSON.stringify({ deadLetters: rows.map(({ letter: { name, index } }) => ({ name, index })), dryRun });
    const sentence = dryRun ? "Looking at what would be done…" : "Redriving…";
    const answer = await busy([dry, wet, clear], place, sentence, () => shell.call("POST", "redrive", { body, patience: PATIENCE }));
    outcome(place, answer, () => "");
    if (answer.ok) {
      tried.of = dryRun ? which(rows) : "";
      tell(answer.data.results ?? [], dryRun);
    }
    return answer;
  }

  function tell(list, dryRun) {
    for (const one of list) {
      const row = state.rows.get(keyOf(one));
      row?.tell(resultLine(one, dryRun));
      if (!dryRun && (one.archived || one.outcome === "acknowledge")) {
        row?.done();
      }
    }
    results.replaceChildren(summary(list, dryRun, state));
    changed();
  }

  onPress(dry, () => ask(chosen(), true));
  onPress(wet, async () => {
    const rows = chosen();
    if (await dialog.confirm(rows)) {
      const answer = await ask(rows, false);
      if (answer.ok) {
        rows.forEach((row) => row.choose(false));
        changed();
        results.querySelector("h2")?.focus();
        shell.look();
      }
    }
  });
  onPress(clear, () => {
    chosen().forEach((row) => row.choose(false));
    changed();
    box.focus();
  });
  box.addEventListener("change", () => {
    free().forEach((row, index) => row.choose(box.checked && index < CAP));
    changed();
  });

  return {
    all, bar, results, dialog: dialog.node, changed,
    shown() {
      all.hidden = state.archived || !state.rows.size;
      changed();
    },
    reset() {
      tried.of = "";
      results.replaceChildren();
      place.replaceChildren();
      all.hidden = bar.hidden = true;
    },
    holds: () => chosen().length > 0 || results.childElementCount > 0,
  };
}

function resultLine(one, dryRun) {
  return element("p", { class: "result-line" },
    element("span", { class: "quiet" }, dryRun ? "dry run:" : "redriven:"), outcomeLabel(one.outcome, dryRun),
    value([one.verdict?.replaceAll("-", " "), one.reason].filter(Boolean).join(": "), { limit: 300 }),
    dryRun ? null : element("span", { class: "quiet" }, after(one)));
}

function after({ outcome: name, archived }) {
  if (name === "acknowledge") {
    return archived ? "(archived)" : "(archived as soon as all in its blob are done)";
  }
  return name === "release" || name === "reject" ? "(stays a dead letter)" : "";
}

function outcomeLabel(name, dryRun) {
  const known = (dryRun ? DRY : OTHER)[name];
  return known ? labelled(...known) : dispositionLabel(name);
}

function summary(list, dryRun, state) {
  const sums = new Map();
  list.forEach(({ outcome: one }) => sums.set(one, (sums.get(one) ?? 0) + 1));
  const title = dryRun ? "Dry run: nothing was changed" : "Redriven";
  return element("section", { class: "card result-card", "aria-labelledby": "redrive-results" },
    element("h2", { id: "redrive-results", tabindex: "-1" }, title),
    element("p", { class: "row-line" }, [...sums].map(([one, number]) => element("span", {}, `${number} × `, outcomeLabel(one, dryRun)))),
    element("details", { open: !dryRun || null },
      element("summary", {}, `Each of the ${list.length}`),
      element("ul", { class: "rows" }, list.map((one) => element("li", {},
        element("p", { class: "row-line" },
          element("strong", {}, one.id ? linkTo("event", { id: one.id, source: one.source }, value(labelOf(one, state), { limit: 60 })) : value(labelOf(one, state), { limit: 60 })),
          element("code", {}, value(one.subscription ?? "", { limit: 60 }))),
        resultLine(one, dryRun))))));
}

function labelOf(one, state) {
  const known = state.rows.get(keyOf(one));
  return known ? nameOf(known.letter) : (one.id ?? `${one.name} [${one.index}]`);
}

function confirmation() {
  const node = element("dialog", { class: "confirm", "aria-labelledby": "confirm-title" },
    element("form", { method: "dialog", class: "dialog-body" },
      element("h2", { id: "confirm-title", "data-part": "title" }),
      element("div", { "data-part": "text" }),
      element("div", { class: "buttons" },
        element("button", { class: "primary", value: "yes", "data-part": "yes" }),
        element("button", { value: "no", autofocus: true }, "Cancel"))));
  return {
    node,
    confirm(rows) {
      const handlers = new Map();
      rows.forEach(({ letter }) => handlers.set(letter.subscription, (handlers.get(letter.subscription) ?? 0) + 1));
      part(node, "title").textContent = `Redrive ${count(rows.length, "dead letter")}?`;
      part(node, "yes").textContent = `Redrive ${rows.length}`;
      part(node, "text").replaceChildren(
        element("ul", { class: "bullets" }, [...handlers].map(([name, number]) =>
          element("li", {}, `${number} through the handler of `, element("code", {}, value(name ?? "unknown"))))),
        element("p", {}, "They are not published again: no other event subscription sees them. What the handler acknowledges is recorded, then archived; what it does not stays a dead letter."));
      node.returnValue = "no";
      node.showModal();
      return new Promise((resolve) => node.addEventListener("close", () => resolve(node.returnValue === "yes"), { once: true }));
    },
  };
}
