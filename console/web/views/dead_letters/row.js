// One dead letter in the list: what it is, why it is here, and whether it is chosen.
import { dispositionWord } from "../../lib/delivery.js";
import { element, labelled, moment, typeName, value } from "../../lib/dom.js";

let serial = 0;

/** What tells dead letters apart: blob and index. */
export function keyOf({ name, index }) {
  return JSON.stringify([name, index]);
}

/** How a dead letter is called: by its content, its event, or its place. */
export function nameOf(letter) {
  return letter.contentId ?? letter.id ?? `${String(letter.name).split("/").at(-1)} no. ${letter.index}`;
}

/** A row; {node, letter, isChosen(), choose(yes), tell(node), done()}. */
export function letterRow(letter, { open, choose, chooses }) {
  const id = `letter-${(serial += 1)}`;
  const box = element("input", { type: "checkbox", id, class: "choose" });
  const label = element("label", { for: id, class: "choose-label" }, element("span", { class: "unseen" }, "Choose ", value(nameOf(letter), { limit: 60 })));
  const button = element("button", { type: "button", class: "row", "aria-haspopup": "dialog" }, first(letter), second(letter), third(letter));
  const result = element("div", { class: "letter-result" });
  button.addEventListener("click", () => open(letter));
  box.addEventListener("change", choose);
  const node = element("li", { class: "letter" }, chooses ? [box, label] : null, button, result);
  return {
    node,
    letter,
    isChosen: () => box.checked,
    choose: (yes) => (box.checked = yes && !box.disabled),
    tell: (content) => result.replaceChildren(content ?? ""),
    done: () => {
      box.checked = false;
      box.disabled = true;
      node.classList.add("gone");
    },
  };
}

function first(letter) {
  return element("span", { class: "row-line" },
    element("strong", { class: "content-id" }, value(nameOf(letter), { limit: 60 })),
    element("span", { class: "type" }, typeName(letter.type)),
    letter.at ? element("span", { class: "when" }, moment(letter.at)) : null);
}

function second(letter) {
  const attempts = letter.deliveryAttempts;
  return element("span", { class: "row-line" },
    labelled("reject", "✕", value(letter.reason ?? "no reason given", { limit: 60 })),
    element("code", {}, value(letter.subscription ?? "unknown", { limit: 60 })),
    letter.result && letter.result !== letter.reason ? element("span", { class: "type" }, value(letter.result, { limit: 80 })) : null,
    lastRedrive(letter),
    typeof attempts === "number" ? element("span", { class: "deliveries" }, `${attempts} ${attempts === 1 ? "attempt" : "attempts"}`) : null);
}

function third(letter) {
  if (letter.unreadable) {
    return element("span", { class: "row-line why" }, element("span", { class: "quiet" }, "unreadable:"), value(letter.unreadable, { limit: 240 }));
  }
  return letter.ourReason
    ? element("span", { class: "row-line why" }, element("span", { class: "quiet" }, "recorded:"), value(letter.ourReason, { limit: 240 }))
    : null;
}

function lastRedrive({ redriven }) {
  const last = redriven?.at(-1);
  return last ? labelled("other", "↻", `redriven: ${dispositionWord(last.outcome)}`) : null;
}
