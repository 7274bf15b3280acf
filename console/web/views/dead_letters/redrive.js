// Redriving: chosen dead letters through the handler of their own event subscription, after a dry run.
import { busy, button, rest } from "../../lib/busy.js";
import { operatorOnly } from "../../shell/caller.js";
import { dispositionLabel } from "../../lib/delivery.js";
import { count, element, labelled, value } from "../../lib/dom.js";
import { eventLink } from "../../lib/links.js";
import { outcome } from "../../lib/problem.js";
import { confirmDialog } from "../shared/confirm.js";
import { keyOf, nameOf } from "./row.js";

const CAP = 50;
const PATIENCE = 300;
const OTHER = {
  skipped: ["other", "–", "skipped"],
  notBegun: ["other", "…", "not started: out of time"],
  already: ["other", "↻", "already redriven"],
};
const DRY = { ...OTHER, notBegun: ["acknowledge", "→", "ready"] };

/** What chooses and redrives: {all, bar, results, dialog, changed, shown, reset, holds}. */
export function redriving(shell, state, done) {
  const tried = { of: "", results: [] };
  const box = element("input", { type: "checkbox", id: "choose-all", class: "choose" });
  const all = element("div", { class: "choose-all", hidden: true }, box,
    element("label", { for: "choose-all" }, "Choose all on this page"), element("span", { class: "hint" }, `at most ${CAP} at once`));
  const dry = operatorOnly(button("Dry run", () => ask(chosen(), true), { kind: "primary" }));
  const wet = operatorOnly(button("Redrive…", redrive, { kind: null }));
  const clear = button("Choose none", () => {
    chosen().forEach((row) => row.choose(false));
    changed();
    box.focus();
  });
  const status = element("p", { class: "chosen", role: "status" });
  const place = element("div", { class: "outcome", role: "status" });
  const bar = element("div", { class: "chosen-bar", role: "group", "aria-label": "Chosen dead letters", hidden: true },
    status, element("div", { class: "buttons" }, dry, wet, clear), place);
  const results = element("div", { class: "results", "aria-live": "polite" });
  const dialog = confirmDialog();

  const chosen = () => [...state.rows.values()].filter((row) => row.isChosen());
  const which = (rows) => rows.map((row) => keyOf(row.letter)).join();

  function changed() {
    const rows = chosen();
    const over = rows.length > CAP;
    const isTried = tried.of !== "" && tried.of === which(rows);
    bar.hidden = !rows.length;
    status.textContent = `${rows.length} chosen${over ? `: at most ${CAP} can be redriven at once` : ""}. ${isTried ? "" : "A dry run comes first: it says which can be redriven, and changes nothing."}`;
    rest([dry], over);
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
    const sentence = dryRun ? "Checking what would be done…" : "Redriving…";
    const answer = await busy([dry, wet, clear], place, sentence, () => shell.call("POST", "redrive", { body, patience: PATIENCE }));
    outcome(place, answer, () => "");
    if (answer.ok) {
      tried.of = dryRun ? which(rows) : "";
      tell(answer.data.results ?? [], dryRun);
    }
    return answer;
  }

  function tell(list, dryRun) {
    for (const result of list) {
      const row = state.rows.get(keyOf(result));
      row?.tell(resultLine(result, dryRun));
      if (!dryRun && (result.archived || result.outcome === "acknowledge")) {
        row?.done();
      }
    }
    results.replaceChildren(summary(list, dryRun, state));
    changed();
  }

  async function redrive() {
    const rows = chosen();
    if (await confirm(dialog, rows)) {
      const answer = await ask(rows, false);
      if (answer.ok) {
        rows.forEach((row) => row.choose(false));
        changed();
        results.querySelector("h2")?.focus();
        shell.look();
      }
    }
  }

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

function resultLine(result, dryRun) {
  return element("p", { class: "result-line" },
    element("span", { class: "quiet" }, dryRun ? "dry run:" : "redriven:"), outcomeLabel(result.outcome, dryRun),
    value([result.verdict?.replaceAll("-", " "), result.reason].filter(Boolean).join(": "), { limit: 300 }),
    dryRun ? null : element("span", { class: "quiet" }, after(result)));
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
  const sums = Object.entries(Object.groupBy(list, (result) => result.outcome));
  const title = dryRun ? "Dry run: nothing was changed" : "Redriven";
  return element("section", { class: "card result-card", "aria-labelledby": "redrive-results" },
    element("h2", { id: "redrive-results", tabindex: "-1" }, title),
    element("p", { class: "row-line" }, sums.map(([name, { length }]) => element("span", {}, `${length} × `, outcomeLabel(name, dryRun)))),
    element("details", { open: !dryRun || null },
      element("summary", {}, `Each of the ${list.length}`),
      element("ul", { class: "rows" }, list.map((result) => element("li", {},
        element("p", { class: "row-line" },
          element("strong", {}, eventLink(result, value(nameOf(state.rows.get(keyOf(result))?.letter ?? result), { limit: 60 }))),
          element("code", {}, value(result.subscription ?? "", { limit: 60 }))),
        resultLine(result, dryRun))))));
}

function confirm(dialog, rows) {
  const handlers = Object.entries(Object.groupBy(rows, ({ letter }) => letter.subscription ?? "unknown"));
  return dialog.ask({ title: `Redrive ${count(rows.length, "dead letter")}?`, yes: `Redrive ${rows.length}`, careful: true },
    element("ul", { class: "bullets" }, handlers.map(([name, { length }]) =>
      element("li", {}, `${length} through the handler of `, element("code", {}, value(name))))),
    element("p", {}, "They are not published again: no other event subscription sees them. What the handler acknowledges is recorded, then archived; what it does not stays a dead letter."));
}
