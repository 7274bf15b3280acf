// JSON as the text that it is: where a value stands in it, and how it is laid out to be read. No value is parsed
// and printed anew: numbers keep their digits, names their order, strings their escapes.

const BLANK = " \n\r\t";
const ENDS = `${BLANK},:]}`;

/** Where the next token begins. */
export function skip(text, at) {
  let next = at;
  while (next < text.length && BLANK.includes(text[next])) {
    next += 1;
  }
  return next;
}

/** Where the string that begins here ends. */
export function stringEnd(text, at) {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text[before] === "\\") {
      before -= 1;
    }
    if ((end - before) % 2 === 1) {
      return end + 1;
    }
  }
  return text.length;
}

function tokenEnd(text, at) {
  if (text[at] === '"') {
    return stringEnd(text, at);
  }
  let end = at + 1;
  if (!"[]{},:".includes(text[at])) {
    while (end < text.length && !ENDS.includes(text[end])) {
      end += 1;
    }
  }
  return end;
}

/** Where the value that begins here ends. */
export function valueEnd(text, at) {
  let depth = 0;
  let end = at;
  do {
    depth += "[{".includes(text[end]) ? 1 : "]}".includes(text[end]) ? -1 : 0;
    end = tokenEnd(text, end);
    if (depth > 0) {
      end = skip(text, end);
    }
  } while (depth > 0 && end < text.length);
  return end;
}

/** Of each item, or each member with its name: where it begins, where its value begins, and where that ends. */
export function* children(text, at) {
  let start = skip(text, at + 1);
  while (start < text.length && !"]}".includes(text[start])) {
    const value = text[at] === "{" ? skip(text, skip(text, stringEnd(text, start)) + 1) : start;
    const end = valueEnd(text, value);
    yield { start, value, end };
    const after = skip(text, end);
    start = text[after] === "," ? skip(text, after + 1) : after;
  }
}

/** The text of the member with that name; null where there is none. */
export function memberText(text, name) {
  const at = skip(text, 0);
  let found = null;
  for (const { start, value, end } of text[at] === "{" ? children(text, at) : []) {
    if (JSON.parse(text.slice(start, stringEnd(text, start))) === name) {
      found = text.slice(value, end);
    }
  }
  return found;
}

/** The text of each item of a list. */
export function itemTexts(text) {
  return text === null ? [] : [...children(text, skip(text, 0))].map(({ value, end }) => text.slice(value, end));
}

/** The same tokens on lines, indented; not much more than the first `most` characters of that. */
export function indented(text, most = Infinity) {
  const parts = [];
  let [length, depth, at] = [0, 0, skip(text, 0)];
  const put = (part) => {
    parts.push(part);
    length += part.length;
  };
  const line = () => put(`\n${"  ".repeat(depth)}`);
  while (at < text.length && length <= most) {
    const sign = text[at];
    let end = tokenEnd(text, at);
    if ("[{".includes(sign)) {
      const next = skip(text, end);
      if ("]}".includes(text[next])) {
        end = next + 1;
        put(`${sign}${text[next]}`);
      } else {
        depth += 1;
        put(sign);
        line();
      }
    } else if ("]}".includes(sign)) {
      depth -= 1;
      line();
      put(sign);
    } else {
      put(text.slice(at, end));
      if (sign === ",") {
        line();
      } else if (sign === ":") {
        put(" ");
      }
    }
    at = skip(text, end);
  }
  return parts.join("");
}
