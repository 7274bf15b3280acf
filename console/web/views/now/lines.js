// Where in a JSON text a path like $[0].data.confidence is, and where the text stops being JSON.
import { children, skip, stringEnd, valueEnd } from "../../lib/rawjson.js";

/** The problem that keeps the text from being JSON, with its line; null when it is JSON. */
export function syntaxProblem(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const at = positionIn(error.message, text);
    return { problem: error.message, ...(at === null ? {} : spot(text, at, at + 1)) };
  }
}

// Browsers tell the position in words of their own.
function positionIn(message, text) {
  const position = /position (\d+)/.exec(message);
  const lines = /line (\d+) column (\d+)/.exec(message);
  if (position) {
    return Number(position[1]);
  }
  if (lines) {
    const before = text.split("\n").slice(0, Number(lines[1]) - 1);
    return before.reduce((sum, { length }) => sum + length + 1, 0) + Number(lines[2]) - 1;
  }
  return /end of/i.test(message) ? text.length : null;
}

/** The line of the value at this path, and the text to select; of its nearest parent when it is not there. */
export function lineOf(text, path) {
  const steps = [...String(path ?? "").matchAll(/\[(\d+)\]|\.?([^.[\]$]+)/g)].map((found) => found[1] !== undefined ? Number(found[1]) : found[2]);
  try {
    const [start, end] = locate(text, steps);
    return spot(text, start, end);
  } catch {
    return {};
  }
}

function spot(text, start, end) {
  return { line: text.slice(0, start).split("\n").length, start, end };
}

function locate(text, steps) {
  let at = skip(text, 0);
  let found = [at, valueEnd(text, at)];
  for (const step of steps) {
    const next = childAt(text, at, step);
    if (!next) {
      return [found[0], Math.min(found[1], found[0] + 1)];
    }
    found = [next.start, next.end];
    at = next.value;
  }
  return found;
}

function childAt(text, at, wanted) {
  const bracket = typeof wanted === "number" ? "[" : "{";
  let index = 0;
  for (const child of text[at] === bracket ? children(text, at) : []) {
    const name = bracket === "[" ? index : JSON.parse(text.slice(child.start, stringEnd(text, child.start)));
    if (name === wanted) {
      return child;
    }
    index += 1;
  }
  return null;
}
