// A dialog that asks before something is done.
import { element, part } from "../../lib/dom.js";

/**
 * The dialog; {node, ask}. `ask` resolves to whether the answer was yes: Escape is a no, Enter presses what has the
 * focus, which is the no where `careful` says so, and the first field or button otherwise.
 */
export function confirmDialog() {
  const node = element("dialog", { class: "confirm", "aria-labelledby": "confirm-title" },
    element("form", { method: "dialog", class: "dialog-body" },
      element("h2", { id: "confirm-title", "data-part": "title" }),
      element("div", { "data-part": "text" }),
      element("div", { class: "buttons" },
        element("button", { class: "primary", value: "yes", "data-part": "yes" }), element("button", { value: "no", "data-part": "no" }))));
  return {
    node,
    ask({ title, yes, no = "Cancel", careful = false }, ...text) {
      part(node, "title").textContent = title;
      part(node, "yes").textContent = yes;
      part(node, "no").textContent = no;
      part(node, "no").autofocus = careful;
      part(node, "text").replaceChildren(...text);
      node.returnValue = "no";
      node.showModal();
      return new Promise((resolve) => node.addEventListener("close", () => resolve(node.returnValue === "yes"), { once: true }));
    },
  };
}
