// Many rows, of which the browser lays out only those that are near: the style says so (content-visibility).
import { element } from "../../lib/dom.js";
import { columns } from "./row.js";

const AT_ONCE = 1000;

/** A list of rows that grows at both ends, up to `most`. */
export function rowsOf(rowOf, keyOf, most) {
  const keys = new Set();
  const keyOfRow = new WeakMap();
  const list = element("ol", { class: "entries", "aria-label": "Audit entries, newest first" });
  const head = element("div", { class: "entry entry-head", "aria-hidden": "true" }, columns.map((column) => element("span", {}, column)));
  list.addEventListener("keydown", steps);

  function row(entry) {
    const key = keyOf(entry);
    if (keys.has(key)) {
      return null;
    }
    const made = rowOf(entry);
    keys.add(key);
    keyOfRow.set(made, key);
    return made;
  }

  function trim() {
    while (keys.size > most && list.lastElementChild) {
      const last = list.lastElementChild;
      keys.delete(keyOfRow.get(last));
      last.remove();
    }
  }

  return {
    list,
    head,
    has: (key) => keys.has(key),
    size: () => keys.size,
    clear: () => {
      keys.clear();
      list.replaceChildren();
    },
    append: (entries) => list.append(...entries.slice(0, most - keys.size).map(row).filter(Boolean)),
    prepend: (entries) => {
      const made = entries.slice(0, AT_ONCE).map(row).filter(Boolean);
      made.forEach((li) => li.classList.add("arrived"));
      list.prepend(...made);
      trim();
    },
  };
}

// The arrows go from row to row, as the tabulator does.
function steps(event) {
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  const other = step && event.target.closest("li")?.[step];
  const link = other?.querySelector("a");
  if (link) {
    event.preventDefault();
    link.focus();
    link.scrollIntoView({ block: "nearest" });
  }
}
