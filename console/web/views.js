// The views, in the order in which they are listed: a new one is a line here and a folder in views/.
//
// views/<name>/view.js exports `view`: {keep?, mount(place, params, shell)}. What `mount` returns may have
//   refresh()       asked for in every round while the view is seen; resolves to {answer, changed}
//   update(params)  the address changed, but not the view; without it the view is mounted anew
//   unmount()       the reader left; a view with `keep` is hidden instead, and updated on return
// `shell` is {signal, call, look, title, alerts, topology}: see shell/stage.js.

/** Name, label, what it is for (on hover), the outline of its icon in a square of 24, and its folder if that is not its name. */
export const views = [
  {
    name: "now",
    label: "Now",
    what: "Publish, pull and inspect",
    icon: "M13 3 5 14h6l-1 7 8-11h-6z",
  },
  {
    name: "flow",
    label: "Flow",
    what: "How many, of what, how late: by the minute",
    icon: "M4 20h16M7 16v-5M12 16V5M17 16v-8",
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
  {
    name: "peek",
    label: "Peek and settle",
    what: "Receive a few events by hand, and settle each",
    icon: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  },
  {
    name: "deadletters",
    folder: "dead_letters",
    label: "Dead letters",
    what: "What was given up, and bringing it back",
    icon: "M3 6h18v13H3zM3 7l9 7 9-7",
  },
  {
    name: "why",
    label: "Why not",
    what: "Which event subscriptions take an event, and what refuses it",
    icon: "M9 9a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 2.3M12 17.5v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  },
  {
    name: "settings",
    label: "Settings and health",
    what: "What the app is set to, and whether all answers",
    icon: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  },
];

/** The view that opens when the address names none. */
export const first = "now";

/** The view of that name; undefined when there is none. */
export function viewNamed(name) {
  return views.find((view) => view.name === name);
}
