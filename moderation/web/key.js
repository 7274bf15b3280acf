// The function key: asked for when the app asks for it, kept for this tab, sent as a header.
import { forgetKey, hasKey, onKeyNeeded, rememberKey } from "./api.js";

/** Lets this section ask for a key, and calls back when there is one. */
export function keyForm(section, given) {
  const field = section.querySelector("input");
  const why = section.querySelector("[role=alert]");

  onKeyNeeded(() => {
    const sentence = hasKey()
      ? "The key of this tab was refused: it may be of another app or function, or renewed since."
      : "This app answers only callers with a function key.";
    forgetKey();
    if (section.hidden || hasChanged(why, sentence)) {
      why.textContent = sentence;
      section.hidden = false;
    }
  });

  section.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    rememberKey(field.value.trim());
    field.value = "";
    section.hidden = true;
    given();
  });
}

// A refusal is not overwritten by the plain request for a key that the next call makes.
function hasChanged(why, sentence) {
  return why.textContent !== sentence && sentence.startsWith("The key");
}
