// The views, in the order in which they are listed: a new one is a line here and a module in views/.
//
// views/<name>.js exports `view`: {title, keep?, mount(place, params, shell)}. What `mount` returns may have
//   refresh()       asked for in every round while the view is seen; resolves to {answer, changed}
//   update(params)  the address changed, but not the view; without it the view is mounted anew
//   unmount()       the reader left; a view with `keep` is hidden instead, and updated on return
// `shell` is {signal, call, look, title, alerts, topology}: see stage.js.

/** Name, label, what it is for (on hover), and the outline of its icon in a square of 24. */
export const views = [
  {
    name: "now",
    label: "Now",
    what: "Publish, pull and inspect",
    icon: "M13 3 5 14h6l-1 7 8-11h-6z",
  },
  {
    name: "stream",
    label: "Stream",
    what: "The latest audit entries, live",
    icon: "M4 6h10M4 12h16M4 18h7",
  },
  {
    name: "event",
    label: "One event",
    what: "The life of one event over all event subscriptions",
    icon: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm5 11.5L21 21",
  },
];

/** The view that opens when the address names none. */
export const first = "now";

/** The view of that name; undefined when there is none. */
export function viewNamed(name) {
  return views.find((one) => one.name === name);
}
