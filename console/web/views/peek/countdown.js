// How long a lock still lasts, counted down where the reader looks and announced when it gets short.
import { element } from "../../lib/dom.js";

const SHORT = 15; // seconds

/** A countdown; {node, until(deadline, seconds), stop(words)}. `ended` is called when it has run out. */
export function countdown(ended) {
  const words = element("span", { class: "seconds" });
  const meter = element("progress", { "aria-hidden": "true", max: "1", value: "1" });
  const warning = element("span", { class: "unseen", role: "status" });
  const node = element("span", { class: "countdown" }, meter, words, warning);
  let timer = null;
  let deadline = 0;
  let whole = 60;

  function tick() {
    const left = Math.max(0, (deadline - performance.now()) / 1000);
    const short = left <= SHORT;
    words.textContent = `locked for ${Math.ceil(left)} s`;
    meter.value = whole > 0 ? left / whole : 0;
    node.classList.toggle("short", short);
    const sentence = short && left > 0 ? `The lock ends in less than ${SHORT} seconds.` : "";
    if (warning.textContent !== sentence) {
      warning.textContent = sentence;
    }
    if (left <= 0) {
      clearInterval(timer);
      ended();
    }
  }

  return {
    node,
    until(at, seconds) {
      deadline = at;
      whole = seconds;
      clearInterval(timer);
      timer = setInterval(tick, 250);
      tick();
    },
    stop(text) {
      clearInterval(timer);
      node.classList.remove("short");
      meter.hidden = true;
      warning.textContent = "";
      words.textContent = text;
    },
  };
}

/**
 * When a lock ends, as a `performance.now()`: what the app says, held between the least it can be (a lock's
 * length after the question) and the most (a lock's length from now), as clocks differ.
 */
export function lockEnd(asked, { lockedUntil, lockSeconds }) {
  const now = performance.now();
  const whole = (lockSeconds ?? 60) * 1000;
  const told = now + (Date.parse(lockedUntil) - Date.now());
  return Number.isFinite(told) ? Math.min(now + whole, Math.max(asked + whole, told)) : asked + whole;
}
