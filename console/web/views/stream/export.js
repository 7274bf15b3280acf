// The same entries as a file: fetched with the key in a header, because an address is no place for a key.
import { download } from "../../lib/api.js";
import { busy, onPress } from "../../lib/busy.js";
import { element } from "../../lib/dom.js";
import { outcome } from "../../lib/problem.js";
import { save } from "../shared/save.js";

const FORMATS = [["ndjson", "NDJSON"], ["csv", "CSV"]];
const LIMIT = 1000;
const PAGES = 20;

/** Buttons that save what the query asks for. */
export function exportButtons(query) {
  const said = element("div", { class: "outcome", role: "status" });
  const buttons = FORMATS.map(([format, word]) => {
    const button = element("button", { type: "button", class: "plain" }, word, element("span", { class: "unseen" }, " export"));
    onPress(button, () => exported(format, buttons));
    return button;
  });

  async function exported(format, all) {
    const wanted = query();
    const answer = await busy(all, said, "Exporting…", () => pages(wanted, format));
    outcome(said, answer, () => (answer.cursor ? `The newest ${(PAGES * LIMIT).toLocaleString()} at most are in the file, and there is more: filter, or follow the API's cursor.` : ""));
    if (answer.ok) {
      save(new Blob(answer.parts), `audit-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${format}`);
    }
  }

  return [element("span", { class: "hint export-hint" }, "Export"), ...buttons, said];
}

/** Page after page as one file: {ok, parts, cursor}, or the answer that went wrong. */
async function pages(query, format) {
  const parts = [];
  let cursor = null;
  do {
    const asked = new URLSearchParams(query);
    Object.entries({ format, limit: LIMIT, cursor }).forEach(([name, one]) => one !== null && asked.set(name, String(one)));
    const answer = await download(`audit?${asked}`);
    if (!answer.ok) {
      return answer;
    }
    parts.push(format === "csv" && parts.length ? await withoutHead(answer.blob) : answer.blob);
    ({ cursor } = answer);
  } while (cursor && parts.length < PAGES);
  return { ok: true, parts, cursor };
}

// The names of the columns are the first line of every page.
async function withoutHead(blob) {
  const text = await blob.text();
  return text.slice(text.indexOf("\n") + 1);
}
