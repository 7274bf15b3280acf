// The search for an event's life: page after page, newest hour first, until its end or until it is stopped.
import { memberText } from "../../lib/rawjson.js";
import { withQuery } from "../../shell/router.js";

const PATIENCE = 60;

/** Whether more than one event has the id that is looked for. */
export function isSeveral({ events }) {
  return new Set(events.map(({ source }) => source)).size > 1;
}

/**
 * Begins a search; `tell` is given the state whenever it changes: {searching, begun, complete, failed, pages, since,
 * until, steps, event (its JSON text), time (what it says itself), events (with the id), redacted, traceId, expected}.
 */
export function lifeSearch({ id, source, at, call, tell }) {
  const state = {
    id, source, at, searching: true, begun: false, complete: false, failed: null, pages: 0, since: null,
    until: null, steps: [], event: null, time: null, events: [], redacted: false, traceId: null, expected: [],
  };
  let cursor = null;
  let turn = 0;
  let revealed = false;
  const path = (more) => withQuery("life", { id, source, ...more });

  async function run() {
    const mine = (turn += 1);
    Object.assign(state, { searching: true, begun: true, failed: null });
    tell(state);
    do {
      const answer = await call("GET", path({ at, cursor, reveal: revealed || null }), { patience: PATIENCE });
      if (mine !== turn || answer.aborted) {
        return answer;
      }
      if (!answer.ok) {
        Object.assign(state, { searching: false, failed: answer });
        tell(state);
        return answer;
      }
      add(state, answer);
      ({ cursor = null } = answer.data);
      state.complete = answer.data.complete !== false || !cursor;
      state.searching = !state.complete;
      tell(state);
    } while (!state.complete);
    return { ok: true };
  }

  // Looks again at what is new: an event that was published just now is about to be received.
  async function refresh() {
    if (!state.begun) {
      run();
      return null;
    }
    if (state.searching || !state.complete || !near() || isSeveral(state)) {
      return null;
    }
    const before = state.steps.length;
    const answer = await call("GET", path({ at: near(), since: state.since }), { patience: PATIENCE });
    if (answer.ok) {
      add(state, answer);
      tell(state);
    }
    return { answer, changed: state.steps.length > before };
  }

  // A time near which the event is found fast: what the link says, or where it was found.
  function near() {
    return at ?? state.steps[0]?.at ?? null;
  }

  async function reveal() {
    const answer = await call("GET", path({ at: near(), since: state.since, reveal: true }), { patience: PATIENCE });
    if (answer.ok) {
      revealed = true;
      add(state, answer, true);
    } else {
      state.failed = answer;
    }
    tell(state);
  }

  return {
    state,
    refresh,
    reveal,
    goOn: run,
    stop: () => {
      turn += 1;
      Object.assign(state, { searching: false });
      tell(state);
    },
  };
}

function add(state, { data, text }, whole = false) {
  const found = data.steps ?? [];
  const kept = found.some(isPublication) ? state.steps.filter((step) => !isPublication(step) || step.by) : state.steps;
  const known = new Set(kept.map((step) => JSON.stringify(step)));
  const fresh = found.filter((step) => !known.has(JSON.stringify(step)));
  state.steps = [...kept, ...fresh].sort((before, after) => (before.at < after.at ? -1 : before.at > after.at ? 1 : 0));
  state.redacted = whole || !state.event ? data.redacted ?? false : state.redacted;
  const event = data.event ? memberText(text, "event") : null;
  state.event = whole ? event ?? state.event : state.event ?? event;
  state.time ??= data.event?.time ?? null;
  state.events = joined(state.events, data.events ?? []);
  state.traceId ??= data.traceId ?? null;
  state.expected = data.expected?.length ? data.expected : state.expected;
  state.pages += 1;
  const { since = null, until = null } = data.searched ?? {};
  state.since = [state.since, since].filter(Boolean).sort()[0] ?? null;
  state.until = [state.until, until].filter(Boolean).sort().at(-1) ?? null;
}

// Of one without `by` nothing is proven: a line of the log that came since says more, or the answer says it again.
function isPublication({ kind }) {
  return kind === "published";
}

// One of each source; the one that says more of its event.
function joined(before, fresh) {
  const all = new Map(before.map((event) => [event.source, event]));
  fresh.filter(({ type, source }) => type || !all.has(source)).forEach((event) => all.set(event.source, event));
  return [...all.values()];
}
