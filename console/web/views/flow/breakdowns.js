// What was flagged and by which model: tables whose shades repeat what their numbers say.
import { element, scrolling, shape, table, value } from "../../lib/dom.js";
import { nothing } from "../shared/fields.js";

const SEVERITIES = ["none", "low", "medium", "high"];
const MOST_ROWS = 25;
const NONE = "none given";

/** Categories by severities as a table, the darker the more; by the root, so that one that is frequent hides none. */
export function heatView(matrix) {
  if (!matrix.length) {
    return nothing("Nothing with a category came in this time.");
  }
  const severities = ordered([...new Set(matrix.map(({ severity }) => severity ?? NONE))]);
  const rows = new Map();
  for (const { category, severity, count } of matrix) {
    const row = rows.get(category ?? NONE) ?? new Map();
    row.set(severity ?? NONE, (row.get(severity ?? NONE) ?? 0) + count);
    rows.set(category ?? NONE, row);
  }
  const sorted = [...rows].map(([name, row]) => [name, row, sumOf(row)]).sort((left, right) => right[2] - left[2]);
  const most = Math.max(...sorted.flatMap(([, row]) => [...row.values()]));
  const heads = ["Category", ...severities, "Sum"].map((head) => value(head, { limit: 30 }));
  const caption = element("caption", { class: "unseen" }, "Deliveries by category and severity");
  const foot = sorted.length > MOST_ROWS
    ? element("tfoot", {}, element("tr", {}, element("td", { colspan: heads.length }, `and ${sorted.length - MOST_ROWS} rarer categories`))) : null;
  const body = sorted.slice(0, MOST_ROWS).map((row) => heatRow(row, severities, most));
  return scrolling("Categories by severity, as a table", table(heads, body, { kind: "heat", caption, foot }));
}

function ordered(severities) {
  const rank = (name) => (SEVERITIES.includes(name) ? SEVERITIES.indexOf(name) : SEVERITIES.length);
  return severities.sort((left, right) => rank(left) - rank(right) || left.localeCompare(right));
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
  const sorted = models.toSorted((left, right) => right.count - left.count);
  const rows = sorted.slice(0, MOST_ROWS).map(({ model, count }) => [model ?? NONE, count]);
  const rest = sorted.slice(MOST_ROWS).reduce((sum, { count }) => sum + count, 0);
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
