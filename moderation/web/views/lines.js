// Where in a JSON text a path like $[0].data.confidence is, and where the text stops being JSON.

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
    return before.reduce((sum, one) => sum + one.length + 1, 0) + Number(lines[2]) - 1;
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
  let found = [at, endOf(text, at)];
  for (const step of steps) {
    const next = typeof step === "number" ? itemAt(text, at, step) : memberAt(text, at, step);
    if (!next) {
      return [found[0], Math.min(found[1], found[0] + 1)];
    }
    found = next;
    at = next[2] ?? next[0];
  }
  return [found[0], found[1]];
}

function skip(text, at) {
  const rest = /\S/.exec(text.slice(at));
  return rest ? at + rest.index : text.length;
}

function itemAt(text, at, wanted) {
  let index = 0;
  for (const [start, end] of children(text, at, "[")) {
    if (index === wanted) {
      return [start, end];
    }
    index += 1;
  }
  return null;
}

function memberAt(text, at, wanted) {
  for (const [start, end] of children(text, at, "{")) {
    const key = stringEnd(text, start);
    if (JSON.parse(text.slice(start, key)) === wanted) {
      return [start, end, skip(text, skip(text, key) + 1)];
    }
  }
  return null;
}

/** From where to where each item, or each member with its name, reaches. */
function* children(text, at, bracket) {
  if (text[at] !== bracket) {
    return;
  }
  let start = skip(text, at + 1);
  while (start < text.length && !"]}".includes(text[start])) {
    let from = start;
    if (bracket === "{") {
      from = skip(text, skip(text, stringEnd(text, start)) + 1);
    }
    const end = endOf(text, from);
    yield [start, end];
    const after = skip(text, end);
    start = text[after] === "," ? skip(text, after + 1) : after;
  }
}

function stringEnd(text, at) {
  return at + /^"(?:[^"\\]|\\.)*"/.exec(text.slice(at))[0].length;
}

function endOf(text, at) {
  if (text[at] === '"') {
    return stringEnd(text, at);
  }
  if (!"[{".includes(text[at])) {
    return at + (/^[^,\]}\s]*/.exec(text.slice(at))?.[0].length ?? 0);
  }
  let end = at + 1;
  for (const [, reached] of children(text, at, text[at])) {
    end = reached;
  }
  return skip(text, end) + 1;
}
