// Where views are shown: loads the one that the address names, and tells the one that is left.
import { call } from "../lib/api.js";
import { markForbidden } from "./caller.js";
import { element } from "../lib/dom.js";
import { problemView } from "../lib/problem.js";
import { first, viewNamed } from "../views.js";

/**
 * Shows views in this place. `shell` has what every view may use: `look()` asks for a round now,
 * `title(text)` names what is shown, `alerts(list)` shows alerts, `topology()` answers with the topic and its
 * event subscriptions. A view is given those, `call` (which ends when the reader leaves) and `signal`.
 */
export function stageOf(place, shell, entered) {
  const kept = new Map();
  let open = null;

  async function enter({ name, params }) {
    if (open?.name === name && open.handle?.update) {
      return open.handle.update(params);
    }
    leave();
    const mine = (open = kept.get(name) ?? { name, place: element("div", { class: `view ${safe(name)}` }) });
    entered(viewNamed(name) ?? { name, label: "Not here" });
    if (kept.has(name)) {
      mine.place.hidden = false;
      mine.handle.update?.(params);
      scrollTo(0, mine.scroll);
      shell.look();
      return undefined;
    }
    place.append(mine.place);
    scrollTo(0, 0);
    await mount(mine, params);
    return undefined;
  }

  async function mount(mine, params) {
    mine.left = new AbortController();
    const waiting = setTimeout(() => mine.place.append(element("p", { class: "quiet" }, "Loading…")), 300);
    const found = await load(mine.name);
    clearTimeout(waiting);
    if (open !== mine) {
      return;
    }
    mine.place.replaceChildren();
    if (found.view) {
      begin(mine, found.view, params);
    } else {
      mine.place.append(problemView(found));
    }
    shell.look();
  }

  // A view that fails to begin says so in its place; the others go on.
  function begin(mine, view, params) {
    const { signal } = mine.left;
    mine.view = view;
    try {
      mine.handle = view.mount(mine.place, params, {
        ...shell, signal, call: (method, path, options) => call(method, path, { signal, ...options }),
      }) ?? {};
      markForbidden(mine.place);
    } catch (error) {
      mine.view = null;
      mine.place.replaceChildren(problemView(
        refused("This view failed to start", String(error.message ?? error), "Reload the page. If that does not help, it is a bug in the page.")));
      console.error(error);
    }
  }

  function leave() {
    if (open?.view?.keep) {
      open.scroll = scrollY;
      open.place.hidden = true;
      kept.set(open.name, open);
    } else if (open) {
      open.left?.abort();
      open.handle?.unmount?.();
      open.place.remove();
    }
    open = null;
  }

  return { enter, view: () => open?.handle ?? null };
}

async function load(name) {
  const known = viewNamed(name);
  if (!known) {
    return refused("There is no such view", "The address names a view that this page does not have.", `Choose one from the list, or open #/${first}.`);
  }
  try {
    return await import(`../views/${known.folder ?? name}/view.js`);
  } catch (error) {
    return refused("This view could not be loaded", String(error.message ?? error), "Check that the app is running, then reload the page.");
  }
}

function refused(title, detail, next) {
  return { view: null, status: 0, problem: { title, detail, next } };
}

// A class name for the styles, also when the address was written by someone else.
function safe(name) {
  return /^[a-z-]+$/.test(name) ? `view-${name}` : "";
}
