// Where the reader is: a view and its parameters, in the part of the address that never leaves the browser.

/** What the address asks for: {name, params}; `params` is a URLSearchParams. */
export function here(first) {
  const [path, query] = split(location.hash);
  return { name: path || first, params: new URLSearchParams(query) };
}

function split(hash) {
  const whole = hash.replace(/^#\/?/, "");
  const mark = whole.indexOf("?");
  return mark < 0 ? [whole, ""] : [whole.slice(0, mark), whole.slice(mark + 1)];
}

/** A path with parameters; those that are empty are left out. */
export function withQuery(path, params) {
  const given = Object.entries(params).filter(([, text]) => text !== null && text !== undefined && text !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** The address of a view. */
export function href(name, params = {}) {
  return withQuery(`#/${name}`, params);
}

/** The whole address, as it can be sent to a colleague. */
export function address(name, params = {}) {
  const url = new URL(location.href);
  url.hash = href(name, params);
  return url.href;
}

/** Goes to a view. */
export function go(name, params = {}) {
  location.hash = href(name, params);
}

/** Keeps the address current without a step in the history: while someone types in a filter. */
export function keep(name, params = {}) {
  history.replaceState(null, "", href(name, params));
}
