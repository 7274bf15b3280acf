// Small parts that several views are made of.
import { element, value } from "../../lib/dom.js";
import { href } from "../../shell/router.js";

/** A row of links of which one is where the reader is; options are [{label, params, isChosen}]. */
export function choices(label, name, options) {
  return element("nav", { class: "choices", "aria-label": label }, element("ul", {}, options.map((option) =>
    element("li", {}, element("a", { href: href(name, option.params), "aria-current": option.isChosen ? "true" : null }, option.label)))));
}

const CONTROLS = "a, button, input, select";

/** Fills the head of a view anew with the same controls; the one that had the focus has it again. */
export function refill(head, ...parts) {
  const at = [...head.querySelectorAll(CONTROLS)].indexOf(document.activeElement);
  head.replaceChildren(...parts);
  head.querySelectorAll(CONTROLS)[at]?.focus();
}

/** A field with its label, as an inline group. */
export function field(label, control, { hint = null, kind = "" } = {}) {
  const id = `field-${(serial += 1)}`;
  control.id = id;
  return element("div", { class: `field ${kind}` }, element("label", { for: id }, label), control, hint ? element("p", { class: "hint" }, hint) : null);
}

let serial = 0;

/** A select of [value, text] pairs. */
export function select(options, chosen) {
  const box = element("select", {}, optionsOf(options));
  box.value = chosen;
  return box;
}

function optionsOf(options) {
  return options.map(([key, text]) => element("option", { value: key }, text));
}

/** A select of event subscriptions, filled when the topology is known; `all` is the text of no choice. */
export function subscriptionSelect(shell, chosen, all = null) {
  const none = all ? [["", all]] : [];
  const box = select([...none, ...(chosen ? [[chosen, chosen]] : [])], chosen);
  shell.topology().then((answer) => {
    if (answer.ok) {
      const now = box.value;
      const names = answer.data.subscriptions.map(({ name }) => name);
      const known = !now || names.includes(now) ? names : [now, ...names];
      box.replaceChildren(...optionsOf([...none, ...known.map((name) => [name, name])]));
      box.value = now || (all ? "" : names[0]);
    }
  });
  return box;
}

/** Facts as a list of names and values, or parts of a value; what is null is left out. */
export function facts(pairs) {
  return element("dl", { class: "facts" }, pairs.filter(([, what]) => what !== null && what !== undefined).map(([name, what]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, [what].flat().map((part) => (part instanceof Node ? part : value(part, { limit: 400 })))))));
}

/** Something to say where nothing is to be seen, and where to go from there. */
export function nothing(sentence, ...more) {
  return element("div", { class: "nothing" }, element("p", {}, sentence), ...more);
}
