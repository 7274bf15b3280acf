// Saving what the app answers as a file of the reader's: an address is no place for a key.
import { download } from "../../lib/api.js";
import { busy, button } from "../../lib/busy.js";
import { element } from "../../lib/dom.js";
import { outcome } from "../../lib/problem.js";

const FORMATS = ["ndjson", "csv"];
const MOST = 20_000;

/**
 * Buttons that save a list, and the place that says how it went: {buttons, status}. `pathOf({format, limit, cursor})` is
 * where a page of it is, `name()` what the file is called.
 */
export function exportButtons({ pathOf, limit, name, signal }) {
  const status = element("div", { class: "outcome", role: "status" });
  const buttons = FORMATS.map((format) =>
    button([format.toUpperCase(), element("span", { class: "unseen" }, " export")], () => exportAs(format)));

  async function exportAs(format) {
    const answer = await busy(buttons, status, "Exporting…", () => allPages((cursor) => pathOf({ format, limit, cursor }), format, MOST / limit, signal));
    outcome(status, answer, () => (answer.cursor ? `Saved the first ${MOST.toLocaleString()}. There are more: filter, or use the API.` : "Saved."));
    if (answer.ok) {
      save(new Blob(answer.parts), `${name()}.${format}`);
    }
  }

  return { buttons, status };
}

/** The pages of a list: {ok: true, parts, cursor}, or the first answer that failed. */
async function allPages(pathOf, format, most, signal) {
  const parts = [];
  let cursor = null;
  do {
    const answer = await download(pathOf(cursor), { signal });
    if (!answer.ok) {
      return answer;
    }
    parts.push(format === "csv" && parts.length ? await withoutHead(answer.blob) : answer.blob);
    ({ cursor } = answer);
  } while (cursor && parts.length < most);
  return { ok: true, parts, cursor };
}

// The names of the columns are the first line of every page.
async function withoutHead(blob) {
  const text = await blob.text();
  return text.slice(text.indexOf("\n") + 1);
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
