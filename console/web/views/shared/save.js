// Saving what the app answers as a file of the reader's: an address is no place for a key.
import { download } from "../../lib/api.js";
import { element } from "../../lib/dom.js";

const MOST_PAGES = 100;

/** Offers a blob to be saved under that name. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** All pages of a list in one blob: {ok: true, blob, whole} or the first answer that is not well. */
export async function allPages(pathOf, format, signal) {
  const parts = [];
  let cursor = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await download(pathOf(cursor), { signal });
    if (!answer.ok) {
      return answer;
    }
    parts.push(page && format === "csv" ? await withoutHead(answer.blob) : answer.blob);
    cursor = answer.cursor;
    if (!cursor) {
      break;
    }
  }
  return { ok: true, blob: new Blob(parts, { type: parts[0].type }), whole: !cursor };
}

async function withoutHead(blob) {
  const text = await blob.text();
  return text.slice(text.indexOf("\n") + 1);
}
