// What was flagged and by which model: tables whose shades repeat what their numbers say.
import { element, shape, value } from "../../lib/dom.js";
import { nothing } from "../shared/fields.js";

const SEVERITIES = ["none", "low", "medium", "high"];
const MOST_ROWS = 25;
const NONE = "none given";

/** Categories by severities as a table, the darker the more; by the root, so that one that is frequent hides none. */
export function heatView(matrix) {
  if (!matrix.length) {
    return nothing("Nothing with a category came in this time.");
  }
  const severities = ordered([...new Set(matrix.map((one) => one.severity ?? NONE))]);
  const rows = new Map();
  for (const { category, severity, count } of matrix) {
    const row = rows.get(category ?? NONE) ?? new Map();
    row.set(severity ?? NONE, (row.get(severity ?? NONE) ?? 0) + count);
    rows.set(category ?? NONE, row);
  }
  const sorted = [...rows].map(([name, row]) => [name, row, sumOf(row)]).sort((one, other) => other[2] - one[2]);
  const most = Math.max(...sorted.flatMap(([, row]) => [...row.values()]));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Categories by severity, as a table" },
    element("table", { class: "heat" },
      element("caption", { class: "unseen" }, "Deliveries by category and severity"),
      element("thead", {}, element("tr", {}, ["Category", ...severities, "Sum"].map((head) => element("th", { scope: "col" }, value(head, { limit: 30 }))))),
      element("tbody", {}, sorted.slice(0, MOST_ROWS).map((row) => heatRow(row, severities, most))),
      sorted.length > MOST_ROWS ? element("tfoot", {}, element("tr", {}, element("td", { colspan: severities.length + 2 }, `and ${sorted.length - MOST_ROWS} rarer categories`))) : null));
}

function ordered(severities) {
  const rank = (one) => (SEVERITIES.includes(one) ? SEVERITIES.indexOf(one) : SEVERITIES.length);
  return severities.sort((one, other) => rank(one) - rank(other) || one.localeCompare(other));
}

function sumOf(row) {
  return [...row.values()].reduce((sum, count) => sum + count, 0);
}

function heatRow([name, row, sum], severities, most) {
  return element("tr", {},
    element("th", { scope: "row" }, value(name, { limit: 40 })),
    severities.map((severity) => {
      const count = row.get(severity) ?? 0;
      return element("td", { class: `number warm-${count ? Math.ceil(Math.sqrt(count / most) * 5) : 0}` }, count ? count.toLocaleString() : "·");
    }),
    element("td", { class: "number" }, sum.toLocaleString()));
}

/** How sure the models were: ten bars, each with its number. */
export function confidenceView(counts) {
  const most = Math.max(0, ...counts);
  if (!most) {
    return nothing("Nothing with a confidence came in this time.");
  }
  return rowsOfBars("Deliveries by confidence", "Confidence", counts.map((count, index) =>
    [`${(index / 10).toFixed(1)} to ${((index + 1) / 10).toFixed(1)}`, count]), most);
}

/** Which model classified how many. */
export function modelsView(models) {
  if (!models.length) {
    return nothing("No model was named in this time.");
  }
  const sorted = [...models].sort((one, other) => other.count - one.count);
  const rows = sorted.slice(0, MOST_ROWS).map(({ model, count }) => [model ?? NONE, count]);
  const rest = sorted.slice(MOST_ROWS).reduce((sum, one) => sum + one.count, 0);
  return rowsOfBars("Deliveries by model", "Model", rest ? [...rows, ["all others", rest]] : rows, Math.max(...rows.map(([, count]) => count)));
}

function rowsOfBars(caption, head, rows, most) {
  return element("table", { class: "bars" },
    element("caption", { class: "unseen" }, caption),
    element("thead", { class: "unseen" }, element("tr", {}, element("th", { scope: "col" }, head), element("th", { scope: "col" }, "Deliveries"))),
    element("tbody", {}, rows.map(([name, count]) => element("tr", {},
      element("th", { scope: "row" }, value(name, { limit: 48 })),
      element("td", { class: "number" }, element("div", {}, bar(count / most), element("span", {}, count.toLocaleString())))))));
}

function bar(share) {
  return shape("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
    shape("rect", { class: "shade-1", width: Math.max(share ? 0.5 : 0, share * 100), height: 10 }));
}
