// The list of views, and which one is open.
import { element, shape } from "../lib/dom.js";
import { href } from "./router.js";
import { views } from "../views.js";

/** Fills the navigation; the answer marks the view that is open. */
export function navigation(nav) {
  const links = new Map(views.map((one) => [one.name, link(one)]));
  nav.append(element("ul", {}, [...links.values()].map((one) => element("li", {}, one))));
  return (name) => {
    for (const [of, one] of links) {
      if (of === name) {
        one.setAttribute("aria-current", "page");
        one.scrollIntoView?.({ block: "nearest", inline: "nearest" });
      } else {
        one.removeAttribute("aria-current");
      }
    }
  };
}

function link({ name, label, what, icon }) {
  return element("a", { href: href(name), title: what },
    shape("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, shape("path", { d: icon })),
    element("span", {}, label));
}
