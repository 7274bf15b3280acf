// A button at work: it cannot be pressed twice, and the seconds are counted where the reader looks.
import { element } from "./dom.js";

/**
 * Does the work while these buttons rest and the place tells how long it takes.
 * The sentence, or an element with it, is announced once; the seconds are not, or a screen reader would never be silent.
 */
export async function busy(buttons, place, sentence, work) {
  const since = performance.now();
  const seconds = element("span", { class: "seconds", "aria-hidden": "true" }, "0 s");
  place.replaceChildren(
    element("span", { class: "spinner", "aria-hidden": "true" }), sentence, " ", seconds);
  const ticking = setInterval(() => {
    seconds.textContent = `${Math.floor((performance.now() - since) / 1000)} s`;
  }, 250);
  rest(buttons, true);
  try {
    return await work();
  } finally {
    clearInterval(ticking);
    rest(buttons, false);
    place.replaceChildren();
  }
}

/** Lets buttons rest, or not: aria-disabled instead of disabled, so that the focus stays on what was pressed. */
export function rest(buttons, resting) {
  for (const button of buttons) {
    button.toggleAttribute("data-resting", resting);
    button.setAttribute("aria-disabled", String(resting || button.hasAttribute("data-forbidden")));
  }
}

/** A button, and what a press on it does. */
export function button(words, press, { kind = "plain", ...more } = {}) {
  const made = element("button", { type: "button", class: kind, ...more }, words);
  onPress(made, press);
  return made;
}

/** Calls back on a press, unless the button rests or the caller may not press it. */
export function onPress(button, callback) {
  button.addEventListener("click", () => {
    if (!button.hasAttribute("data-resting") && !button.hasAttribute("data-forbidden")) {
      callback();
    }
  });
}
