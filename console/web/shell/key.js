// The function key: asked for when the app asks for it, kept for this tab, sent as a header.
import { forgetKey, hasKey, onKeyNeeded, rememberKey } from "../lib/api.js";
import { part } from "../lib/dom.js";

const LESSER = "This tab's key allows what a reader may do, but not that: it needs an operator's key.";

/** Lets this section ask for a key, and calls back when there is one; the answer opens it with a sentence. */
export function keyForm(section, given) {
  const field = section.querySelector("input");
  const why = section.querySelector("[role=alert]");

  function ask(sentence) {
    if (section.hidden || why.textContent !== sentence) {
      why.textContent = sentence;
      section.hidden = false;
    }
  }

  onKeyNeeded(({ lesser }) => {
    if (lesser) {
      return ask(LESSER);
    }
    const refused = hasKey();
    forgetKey();
    // A refusal is not overwritten by the plain request for a key that the next call makes.
    if (refused || section.hidden) {
      ask(refused
        ? "This tab's key was refused: it may belong to another app or function, or have been rotated."
        : "This app answers only callers with a function key.");
    }
    return undefined;
  });

  section.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    rememberKey(field.value.trim());
    field.value = "";
    section.hidden = true;
    given();
  });
  part(section, "cancel").addEventListener("click", () => {
    field.value = "";
    section.hidden = true;
  });
  return (sentence) => {
    ask(sentence);
    field.focus();
  };
}
