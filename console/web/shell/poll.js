// Looking again: one round at a time, rarer while nothing changes, never in a hidden tab.

const LEAST = 2_000;
const MOST = 30_000;

/**
 * Runs rounds for as long as the page lives; a round resolves to true when something changed.
 * The answer is how to ask for a round now, the first one too.
 */
export function poll(round, tell) {
  let pause = LEAST;
  let timer = null;
  let running = false;
  let again = false;

  async function run() {
    running = true;
    again = false;
    let changed = false;
    try {
      changed = await round();
    } finally {
      running = false;
      pause = changed || again ? LEAST : Math.min(pause * 2, MOST);
      plan(again ? 0 : pause);
    }
  }

  function plan(delay) {
    clearTimeout(timer);
    if (!document.hidden) {
      tell(delay);
      timer = setTimeout(run, delay);
    }
  }

  function now() {
    pause = LEAST;
    again = running;
    if (!running) {
      plan(0);
    }
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : now()));
  return now;
}
