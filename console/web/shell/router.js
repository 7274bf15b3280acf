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

/** The address of a view; parameters that are empty are left out. */
export function href(name, params = {}) {
  const given = Object.entries(params).filter(([, one]) => one !== null && one !== undefined && one !== "");
  const query = new URLSearchParams(given.map(([key, one]) => [key, String(one)])).toString();
  return `#/${name}${query ? `?${query}` : ""}`;
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
