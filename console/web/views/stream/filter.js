// What the stream is asked for; it is in the address, so that it can be sent to a colleague.
import { button } from "../../lib/busy.js";
import { element, typeName } from "../../lib/dom.js";
import { dispositions, dispositionWord } from "../../lib/delivery.js";
import { keep, withQuery } from "../../shell/router.js";
import { field, select, subscriptionSelect } from "../shared/fields.js";

const SUGGESTED = 30;
const REST = 350;

/** The bar of filters; `changed` is called when they ask for something else. */
export function filterBar(params, shell, changed) {
  const fields = {
    subscription: subscriptionSelect(shell, params.get("subscription") ?? "", "all"),
    disposition: select([["", "any"], ...dispositions.map((name) => [name, dispositionWord(name)])], ""),
    type: suggesting("filter-types", "any"),
    category: suggesting("filter-categories", "any"),
    text: element("input", { type: "search", autocomplete: "off", spellcheck: "false", placeholder: "id, reason, model…" }),
  };
  // What only an address says: one event, or a time.
  const more = { id: "", source: "", since: "", until: "" };
  const clear = button("Clear", () => {
    set(new URLSearchParams());
    before = "";
    apply();
    fields.text.focus();
  });
  let timer = null;
  let before = "";

  function given() {
    const own = Object.entries(fields).map(([name, control]) => [name, control.value.trim()]);
    return Object.fromEntries([...own, ...Object.entries(more)].filter(([, text]) => text));
  }

  function set(wanted) {
    for (const [name, control] of Object.entries(fields)) {
      control.value = wanted.get(name) ?? "";
    }
    for (const name of Object.keys(more)) {
      more[name] = wanted.get(name) ?? "";
    }
    return isOther();
  }

  function isOther() {
    const now = JSON.stringify(given());
    const other = now !== before;
    before = now;
    clear.hidden = now === "{}";
    return other;
  }

  function apply() {
    clearTimeout(timer);
    if (isOther()) {
      keep("stream", given());
      changed();
    }
  }

  for (const control of Object.values(fields)) {
    control.addEventListener("change", apply);
    control.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(apply, REST);
    });
  }
  set(params);
  shell.topology().then((answer) => offer(fields.type, answer.ok ? answer.data.types ?? [] : []));
  const bar = element("form", { class: "filters", role: "search", "aria-label": "Which entries" },
    field("Event subscription", fields.subscription), field("Disposition", fields.disposition),
    field("Event type", fields.type), field("Category", fields.category), field("Text", fields.text), clear);
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  return {
    bar,
    set,
    suggest: (entries) => {
      offer(fields.category, entries.map((entry) => entry.category));
      offer(fields.type, entries.map((entry) => entry.type));
    },
    isOn: () => before !== "{}",
    path: (extra) => withQuery("audit", { ...given(), ...extra }),
  };
}

function offer(input, words) {
  const list = input.querySelector("datalist");
  const known = new Set([...list.children].map((option) => option.value));
  for (const word of new Set(words)) {
    const short = typeName(word).textContent;
    if (word && !known.has(short) && known.size < SUGGESTED && short.length < 60) {
      known.add(short);
      list.append(element("option", { value: short }));
    }
  }
}

// A field with suggestions: an event may have any type and category.
function suggesting(id, none) {
  const list = element("datalist", { id: `${id}-list` });
  const input = element("input", { type: "text", list: `${id}-list`, autocomplete: "off", spellcheck: "false", placeholder: none });
  input.append(list);
  return input;
}
