// A CloudEvent as it came: its own text, laid out to be read, and copied as it is.
import { element } from "./dom.js";
import { indented } from "./rawjson.js";

const LIMIT = 100_000;

/** The JSON text of an event on lines, with a button that copies it as it came. */
export function envelopeView(whole, label = "CloudEvent envelope") {
  const lines = indented(whole, LIMIT);
  const shown = lines.length > LIMIT ? `${lines.slice(0, LIMIT)}\n… cut here; the copy has all of it` : lines;
  const text = element("pre", { tabindex: "0", role: "group", "aria-label": label }, shown);
  return element("div", { class: "envelope" },
    element("div", { class: "envelope-head" }, element("span", { class: "small-title" }, label), copyButton("Copy", () => whole, "the envelope", text)),
    text);
}

/** A button that copies what `words` gives; `of` says what, for those who hear the page. */
export function copyButton(label, words, of = null, shown = null) {
  const status = element("span", { class: "hint", role: "status" });
  const button = element("button", { type: "button", class: "plain copy" }, label, of ? element("span", { class: "unseen" }, ` ${of}`) : null);
  button.addEventListener("click", () => copyText(words(), shown ?? button, status));
  return element("span", { class: "copying" }, status, button);
}

// Without leave to write to the clipboard, the reader copies what is selected.
async function copyText(whole, shown, status) {
  try {
    await navigator.clipboard.writeText(whole);
    status.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(shown);
    status.textContent = shown.tagName === "PRE" ? "Selected: copy it with the keyboard" : "The browser does not let this page copy";
  }
  setTimeout(() => status.replaceChildren(), 4000);
}
