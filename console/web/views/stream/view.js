// Stream: the latest audit entries, live for as long as nobody reads them closely.
import { filterBar } from "./filter.js";
import { entryRow } from "./row.js";
import { rowsOf } from "./rows.js";
import { keyOf } from "../../lib/delivery.js";
import { element, moment } from "../../lib/dom.js";
import { problemView } from "../../lib/problem.js";
import { exportButtons } from "../shared/export.js";

const PAGE = 100;
const OLDER = 200;
const MOST = 10_000;

export const view = {
  keep: true,
  mount(place, params, shell) {
    const state = { query: "", cursor: null, newest: null, pending: [], gap: false, stopped: false, turn: 0, asked: false };
    const filter = filterBar(params, shell, () => restart());
    const rows = rowsOf(entryRow, keyOf, MOST);
    const exports = exportButtons({
      pathOf: filter.path, limit: 1000, signal: shell.signal,
      name: () => `audit-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}`,
    });
    const seen = parts(rows, exports);
    place.append(filter.bar, seen.bar, seen.list, seen.end);
    pauses(seen, state, flush);
    seen.fresh.addEventListener("click", () => {
      flush();
      scrollTo({ top: 0 });
      (rows.list.querySelector("a") ?? seen.fresh).focus({ preventScroll: true });
    });
    seen.pause.addEventListener("click", () => {
      state.stopped = !state.stopped;
      seen.pause.setAttribute("aria-pressed", String(state.stopped));
      return state.stopped ? tell() : flush();
    });
    seen.older.addEventListener("click", older);

    function restart() {
      Object.assign(state, { cursor: null, pending: [], gap: false, turn: state.turn + 1, asked: false });
      rows.clear();
      seen.place.replaceChildren(element("p", { class: "quiet nothing" }, "Loading the latest entries…"));
      seen.older.hidden = true;
      shell.look();
    }

    async function refresh() {
      const turn = state.turn;
      const answer = await shell.call("GET", filter.path({ limit: PAGE }), { patience: 60 });
      if (turn !== state.turn || answer.aborted) {
        return null;
      }
      if (!answer.ok && !state.asked) {
        seen.place.replaceChildren(element("p", { class: "quiet nothing" }, "Not loaded yet."));
      }
      return { answer, changed: answer.ok && take(answer.data) };
    }

    function take(data) {
      const entries = data.entries ?? [];
      filter.suggest(entries);
      const held = new Set(state.pending.map(keyOf));
      const fresh = entries.filter((entry) => !rows.has(keyOf(entry)) && !held.has(keyOf(entry)));
      if (!state.asked) {
        state.asked = true;
        state.cursor = data.cursor ?? null;
        rows.append(entries);
        end(data);
      } else if (fresh.length === entries.length && entries.length === PAGE && rows.size() > 0) {
        Object.assign(state, { pending: entries, gap: true, after: data });
      } else {
        state.pending = [...fresh, ...state.pending];
      }
      if (!isPaused(seen, state)) {
        flush();
      }
      tell();
      return fresh.length > 0;
    }

    // Between what is shown and a whole page of new entries others may be missing: then the page takes its place.
    function flush() {
      if (state.gap) {
        rows.clear();
        state.cursor = state.after.cursor ?? null;
        rows.append(state.pending);
        end(state.after);
      } else if (state.pending.length) {
        rows.prepend(state.pending);
      }
      Object.assign(state, { pending: [], gap: false });
      tell();
    }

    async function older() {
      const turn = state.turn;
      seen.older.setAttribute("aria-busy", "true");
      seen.older.textContent = "Searching further back…";
      const answer = await shell.call("GET", filter.path({ limit: OLDER, cursor: state.cursor }), { patience: 60 });
      seen.older.removeAttribute("aria-busy");
      if (turn === state.turn && answer.ok) {
        state.cursor = answer.data.cursor ?? null;
        rows.append(answer.data.entries ?? []);
        end(answer.data);
        tell();
      } else if (turn === state.turn) {
        seen.place.replaceChildren(problemView(answer));
        seen.older.textContent = "Try again";
      }
    }

    function end(data) {
      const full = rows.size() >= MOST;
      seen.older.hidden = !state.cursor || full;
      seen.older.textContent = data.complete === false && (data.entries ?? []).length < 2 ? "Search further back" : "Load older";
      seen.place.replaceChildren(...ending(rows.size(), full, state.cursor, data, filter.isOn()));
    }

    function tell() {
      const waiting = state.pending.length;
      const paused = isPaused(seen, state);
      seen.fresh.hidden = waiting === 0;
      seen.fresh.textContent = state.gap ? `${waiting}+ new` : `${waiting.toLocaleString()} new`;
      seen.pause.textContent = state.stopped ? "Resume" : "Pause";
      seen.state.textContent = !state.asked ? "" : state.stopped ? "Paused" : paused ? "Paused while you read" : "Live";
      seen.state.className = paused ? "live-state paused" : "live-state";
      seen.count.textContent = rows.size() === 1 ? "1 entry" : `${rows.size().toLocaleString()} entries`;
    }

    seen.tell = tell;
    return {
      refresh,
      update: (changed) => {
        seen.hovered = false;
        return filter.set(changed) && restart();
      },
    };
  },
};

function parts(rows, exports) {
  const made = {
    rows,
    state: element("span", { class: "live-state" }),
    count: element("span", { class: "quiet" }),
    fresh: element("button", { type: "button", class: "primary fresh", hidden: true }),
    pause: element("button", { type: "button", class: "plain", "aria-pressed": "false" }, "Pause"),
    older: element("button", { type: "button", class: "plain", hidden: true }, "Load older"),
    place: element("div", { class: "stream-end" }, element("p", { class: "quiet nothing" }, "Loading the latest entries…")),
  };
  made.bar = element("div", { class: "stream-bar" },
    made.state, made.count, made.fresh, element("span", { class: "grow" }), made.pause, element("span", { class: "hint" }, "Export"), ...exports.buttons, exports.status);
  made.list = element("div", { class: "card stream-card" }, rows.head, rows.list);
  made.end = element("div", { class: "stream-foot" }, made.place, made.older);
  return made;
}

// Who points at the rows, is among them with the keyboard or has scrolled into them, reads them.
function pauses(seen, state, flush) {
  const look = () => {
    const reads = isPaused(seen, state);
    if (reads !== seen.reads) {
      seen.reads = reads;
      return reads ? seen.tell() : flush();
    }
    return undefined;
  };
  for (const kind of ["pointerenter", "pointerleave", "focusin", "focusout"]) {
    seen.list.addEventListener(kind, (event) => {
      seen.hovered = kind === "pointerenter" ? event.pointerType === "mouse" : kind === "pointerleave" ? false : seen.hovered;
      setTimeout(look);
    });
  }
  addEventListener("scroll", look, { passive: true });
}

function isPaused(seen, state) {
  const focused = document.activeElement;
  return state.stopped || seen.hovered || scrollY > 8 || focused === seen.fresh || seen.rows.list.contains(focused);
}

function ending(size, full, cursor, data, filtered) {
  if (full) {
    return [element("p", { class: "quiet" }, `${MOST.toLocaleString()} entries are shown and no more: filter, or export the rest.`)];
  }
  const back = data.since ? [" back to ", moment(data.since)] : [];
  if (size === 0 && !cursor) {
    return [element("p", { class: "quiet nothing" },
      filtered ? ["No entry matches", ...back, ". Remove a filter, or choose another time."] : "Nothing recorded yet. Publish the samples under Now, then pull.")];
  }
  if (!cursor) {
    return [element("p", { class: "quiet" }, "No older entries: the log was searched", ...(data.since ? back : [" to its beginning"]), ".")];
  }
  return size === 0 ? [element("p", { class: "quiet nothing" }, "Nothing found so far", back, ".")] : [];
}
