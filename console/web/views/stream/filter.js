// What the stream is asked for; it is in the address, so that it can be sent to a colleague.
import { element, typeName } from "../../lib/dom.js";
import { dispositions, dispositionWord } from "../../lib/delivery.js";
import { keep } from "../../shell/router.js";
import { field, select, subscriptionSelect } from "../shared/fields.js";

const NAMES = ["subscription", "disposition", "type", "category", "text", "id", "source", "since", "until"];
const SUGGESTED = 30;
const REST = 350;

/** The bar of filters; `changed` is called when they ask for something else. */
export function filterBar(params, shell, changed) {
  const fields = {
    subscription: subscriptionSelect(shell, params.get("subscription") ?? "", "all"),
    disposition: select([["", "any"], ...dispositions.map((one) => [one, dispositionWord(one)])], ""),
    type: suggesting("filter-types", "any"),
    category: suggesting("filter-categories", "any"),
    text: element("input", { type: "search", autocomplete: "off", spellcheck: "false", placeholder: "id, reason, model…" }),
  };
  // What only an address says: one event, or a time.
  const more = { id: "", source: "", since: "", until: "" };
  const clear = element("button", { type: "button", class: "plain" }, "Clear");
  let timer = null;
  let before = "";

  function given() {
    const own = Object.entries(fields).map(([name, one]) => [name, one.value.trim()]);
    return Object.fromEntries([...own, ...Object.entries(more)].filter(([, one]) => one));
  }

  function set(wanted) {
    NAMES.forEach((name) => {
      const one = wanted.get(name) ?? "";
      if (fields[name]) {
        fields[name].value = one;
      } else {
        more[name] = one;
      }
    });
    return noted();
  }

  function noted() {
    const now = JSON.stringify(given());
    const isOther = now !== before;
    before = now;
    clear.hidden = now === "{}";
    return isOther;
  }

  function apply() {
    clearTimeout(timer);
    if (noted()) {
      keep("stream", given());
      changed();
    }
  }

  for (const one of Object.values(fields)) {
    one.addEventListener("change", apply);
    one.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(apply, REST);
    });
  }
  clear.addEventListener("click", () => {
    set(new URLSearchParams());
    before = "";
    apply();
    fields.text.focus();
  });
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
    query: (extra = {}) => new URLSearchParams(Object.entries({ ...given(), ...extra })
      .filter(([, one]) => one !== null && one !== undefined && one !== "").map(([name, one]) => [name, String(one)])).toString(),
  };
}

function offer(input, words) {
  const list = input.querySelector("datalist");
  const known = new Set([...list.children].map((one) => one.value));
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
