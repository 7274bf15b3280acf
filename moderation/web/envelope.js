// A CloudEvent as it is: formatted text, to read and to copy.
import { element } from "./dom.js";

const LIMIT = 100_000;

/** The envelope as formatted JSON with a button that copies all of it. */
export function envelopeView(event, label = "CloudEvent envelope") {
  const whole = JSON.stringify(event, null, 2);
  const shown = whole.length > LIMIT ? `${whole.slice(0, LIMIT)}\n… cut here; the copy has all of it` : whole;
  const text = element("pre", { tabindex: "0", role: "group", "aria-label": label }, shown);
  const copy = element("button", { type: "button", class: "plain" }, "Copy");
  const said = element("span", { class: "hint", role: "status" });
  copy.addEventListener("click", () => copyText(whole, text, said));
  return element("div", { class: "envelope" },
    element("div", { class: "envelope-head" }, element("span", { class: "small-title" }, label), said, copy), text);
}

async function copyText(whole, text, said) {
  try {
    await navigator.clipboard.writeText(whole);
    said.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(text);
    said.textContent = "Selected: copy it with the keyboard";
  }
}
