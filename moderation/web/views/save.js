// Saving what was downloaded, as a file of the reader's.
import { element } from "../dom.js";

/** Offers a blob to be saved under that name. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
