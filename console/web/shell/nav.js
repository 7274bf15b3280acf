// The list of views, and which one is open.
import { element, shape } from "../lib/dom.js";
import { href } from "./router.js";
import { views } from "../views.js";

/** Fills the navigation; the answer marks the view that is open. */
export function navigation(nav) {
  const links = new Map(views.map((view) => [view.name, link(view)]));
  nav.append(element("ul", {}, [...links.values()].map((anchor) => element("li", {}, anchor))));
  return (name) => {
    links.forEach((anchor) => anchor.removeAttribute("aria-current"));
    links.get(name)?.setAttribute("aria-current", "page");
    links.get(name)?.scrollIntoView({ block: "nearest" });
  };
}

function link({ name, label, what, icon }) {
  return element("a", { href: href(name), title: what },
    shape("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, shape("path", { d: icon })),
    element("span", {}, label));
}
