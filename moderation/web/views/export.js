// The same entries as a file: fetched with the key in a header, because an address is no place for a key.
import { download } from "../api.js";
import { busy, onPress } from "../busy.js";
import { element } from "../dom.js";
import { outcome } from "../problem.js";
import { save } from "./save.js";

const FORMATS = [["ndjson", "NDJSON"], ["csv", "CSV"]];
const LIMIT = 1000;

/** Buttons that save what the query asks for. */
export function exportButtons(query) {
  const said = element("div", { class: "outcome", role: "status" });
  const buttons = FORMATS.map(([format, word]) => {
    const button = element("button", { type: "button", class: "plain" }, word, element("span", { class: "unseen" }, " export"));
    onPress(button, () => exported(format, buttons));
    return button;
  });

  async function exported(format, all) {
    const answer = await busy(all, said, "Exporting…", () => download(`audit?${[query(), `format=${format}&limit=${LIMIT}`].filter(Boolean).join("&")}`));
    outcome(said, answer, () => "");
    if (answer.ok) {
      save(answer.blob, `audit-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${format}`);
    }
  }

  return [element("span", { class: "hint export-hint" }, "Export"), ...buttons, said];
}
