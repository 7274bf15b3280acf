// The search for an event's life: page after page, newest hour first, until its end or until it is stopped.

const PATIENCE = 60;

/**
 * Begins a search; `tell` is given the state whenever it changes: {searching, begun, complete, failed, pages, since,
 * until, steps, event, redacted, facts, traceId, expected}.
 */
export function lifeSearch({ id, at, call, tell }) {
  const state = {
    id, at, searching: true, begun: false, complete: false, failed: null, pages: 0, since: null,
    until: null, steps: [], event: null, redacted: false, facts: null, traceId: null, expected: [],
  };
  let cursor = null;
  let turn = 0;
  let revealed = false;

  async function run() {
    const mine = (turn += 1);
    Object.assign(state, { searching: true, begun: true, failed: null });
    tell(state);
    do {
      const answer = await call("GET", path({ id, at, cursor, reveal: revealed }), { patience: PATIENCE });
      if (mine !== turn || answer.aborted) {
        return answer;
      }
      if (!answer.ok) {
        Object.assign(state, { searching: false, failed: answer });
        tell(state);
        return answer;
      }
      add(state, answer.data);
      ({ cursor = null } = answer.data);
      state.complete = answer.data.complete !== false || !cursor;
      state.searching = !state.complete;
      tell(state);
    } while (!state.complete);
    await know();
    return { ok: true };
  }

  // What an entry says of its event, which stays visible when the event's data is not: category, model…
  async function know() {
    const { since, until } = state;
    if (state.facts || !state.steps.some((step) => step.kind === "delivery")) {
      return;
    }
    const answer = await call("GET", `audit?${new URLSearchParams({ id, limit: 1, since, until })}`);
    state.facts = answer.data?.entries?.[0] ?? null;
    if (state.facts) {
      tell(state);
    }
  }

  // Looks again at what is new: an event that was published just now is about to be received.
  async function refresh() {
    if (!state.begun) {
      run();
      return null;
    }
    if (state.searching || !state.complete || !near()) {
      return null;
    }
    const before = state.steps.length;
    const answer = await call("GET", path({ id, at: near(), cursor: null, reveal: false }), { patience: PATIENCE });
    if (answer.ok) {
      add(state, answer.data);
      tell(state);
      await know();
    }
    return { answer, changed: state.steps.length > before };
  }

  // A time near which the event is found fast: what the link says, or where it was found.
  function near() {
    return at ?? state.steps[0]?.at ?? null;
  }

  async function reveal() {
    const answer = await call("GET", path({ id, at: near(), cursor: null, reveal: true }), { patience: PATIENCE });
    if (answer.ok) {
      revealed = true;
      add(state, answer.data, true);
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

function path(given) {
  const query = Object.entries({ ...given, reveal: given.reveal || null }).filter(([, one]) => one !== null && one !== "");
  return `life?${new URLSearchParams(query.map(([name, one]) => [name, String(one)]))}`;
}

function add(state, data, whole = false) {
  const known = new Set(state.steps.map((step) => JSON.stringify(step)));
  const fresh = (data.steps ?? []).filter((step) => !known.has(JSON.stringify(step)));
  state.steps = [...state.steps, ...fresh].sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
  state.redacted = whole || !state.event ? data.redacted ?? false : state.redacted;
  state.event = whole ? data.event ?? state.event : state.event ?? data.event ?? null;
  state.traceId ??= data.traceId ?? null;
  state.expected = data.expected?.length ? data.expected : state.expected;
  state.pages += 1;
  const { since = null, until = null } = data.searched ?? {};
  state.since = [state.since, since].filter(Boolean).sort()[0] ?? null;
  state.until = [state.until, until].filter(Boolean).sort().at(-1) ?? null;
}
