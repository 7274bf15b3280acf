// Nothing stays locked for nobody: what is held is released when the reader leaves, or stays away.

const AWAY = 15_000;

/** Watches the ways out of a view. `locked()` are lock tokens, `release(tokens)` lets go of them, `mayLeave(words)` asks the reader. {stop}. */
export function leaving({ locked, release, mayLeave }) {
  const ended = new AbortController();
  const { signal } = ended;
  let away = null;

  // A link of the page: it can be asked first. The back button and a typed address release without asking.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.('a[href^="#/"]');
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (!link || elsewhere || !locked().length || link.hash.startsWith("#/peek")) {
      return;
    }
    event.preventDefault();
    if (await mayLeave("leave")) {
      release(locked());
      location.hash = link.hash;
    }
  }, { capture: true, signal });

  addEventListener("pagehide", () => release(locked()), { signal });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(away);
    if (document.hidden) {
      away = setTimeout(() => release(locked()), AWAY);
    }
  }, { signal });

  return {
    stop() {
      clearTimeout(away);
      ended.abort();
    },
  };
}
