// An event's steps in their order, each in the lane of its event subscription; and where it stands in each.
import { dispositionLabel } from "../../lib/delivery.js";
import { duration, element, moment, value } from "../../lib/dom.js";
import { linkTo } from "../../lib/links.js";

const TOPIC = "topic";
const MOST_LANES = 5;
const KINDS = {
  published: "Published",
  peek: "Received by hand",
  renew: "Lock renewed by hand",
  "dead-lettered": "Dead-lettered",
  redriven: "Redriven",
  revealed: "Data revealed",
};

/** Where the event stands in each event subscription that it was for. */
export function standings(state) {
  const names = lanesOf(state).filter((name) => name !== TOPIC);
  if (!names.length) {
    return element("div", {});
  }
  return element("ul", { class: "standings", "aria-label": "Where it stands" }, names.map((name) => {
    const steps = state.steps.filter((step) => step.subscription === name);
    return element("li", { class: steps.length ? "standing" : "standing missing" },
      element("strong", { class: "id" }, value(name, { limit: 60 })), standing(steps, state));
  }));
}

function standing(steps, state) {
  const last = steps.findLast((step) => step.disposition) ?? steps.at(-1);
  if (!last) {
    return element("span", { class: "why" },
      element("span", { class: "label other" }, state.complete ? "… waits" : "… not found so far"),
      state.complete ? " Its filter takes the event, but it has not been received yet." : " Its filter takes the event.");
  }
  const redriven = steps.findLast((step) => step.kind === "redriven");
  const lies = steps.some((step) => step.kind === "dead-lettered") && redriven?.disposition !== "acknowledge";
  return element("span", { class: "why" },
    last.disposition ? dispositionLabel(last.disposition) : element("span", { class: "label other" }, kindWord(last)),
    last.verdict ? [" ", value(String(last.verdict).replaceAll("-", " "), { limit: 60 })] : null,
    lies ? [" ", element("span", { class: "label reject" }, "dead-lettered")] : null,
    redriven ? " redriven" : null,
    last.deliveryCount && last !== redriven ? element("span", { class: "quiet" }, ` delivery ${last.deliveryCount}`) : null);
}

/** The steps, oldest first. */
export function timeline(state) {
  if (!state.steps.length) {
    return element("div", {});
  }
  const lanes = lanesOf(state);
  const list = element("ol", { class: "timeline", "aria-label": "What happened, oldest first" },
    state.steps.map((step, index) => stepView(step, state.steps[index - 1], lanes)));
  const head = element("div", { class: "lane-heads", "aria-hidden": "true" },
    element("span", {}), lanes.map((name) => element("span", {}, value(name, { limit: 60 }))));
  const whole = element("section", { class: lanes.length <= MOST_LANES ? "card lanes" : "card", "aria-labelledby": "timeline-title" },
    element("h2", { id: "timeline-title" }, "What happened"), head, list);
  whole.style.setProperty("--lanes", lanes.length);
  return whole;
}

function lanesOf({ steps, expected }) {
  const seen = steps.map((step) => step.subscription ?? TOPIC);
  const names = new Set([...expected, ...seen]);
  names.delete(TOPIC);
  return [...(seen.includes(TOPIC) ? [TOPIC] : []), ...names];
}

function stepView(step, before, lanes) {
  const lane = lanes.indexOf(step.subscription ?? TOPIC);
  const item = element("li", { class: `step ${known(step)}` },
    element("span", { class: "step-at" }, step.at ? moment(step.at) : "", after(step, before)),
    element("div", { class: "step-what" },
      element("p", { class: "row-line" },
        element("strong", { class: "step-lane" }, value(step.subscription ?? TOPIC, { limit: 60 })),
        element("span", {}, kindWord(step)),
        step.disposition ? dispositionLabel(step.disposition) : null),
      because(step),
      element("p", { class: "quiet" }, by(step))));
  item.style.setProperty("--lane", lane);
  return item;
}

function known({ disposition, kind }) {
  return [disposition, kind].find((name) => ["acknowledge", "release", "reject", "dead-lettered"].includes(name)) ?? "";
}

// How long after the step before: what a reader of a timeline works out first.
function after(step, before) {
  const gap = before ? Date.parse(step.at) - Date.parse(before.at) : NaN;
  return gap >= 1 ? element("span", { class: "quiet" }, `+${duration(gap)}`) : null;
}

function kindWord(step) {
  if (step.kind === "delivery") {
    return `Received as delivery ${step.deliveryCount ?? "?"}`;
  }
  const word = KINDS[step.kind] ?? String(step.kind ?? "something").replaceAll("-", " ").slice(0, 60);
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function because(step) {
  const words = [
    step.kind === "dead-lettered" && step.deliveryCount ? `after ${step.deliveryCount} ${step.deliveryCount === 1 ? "delivery" : "deliveries"}` : null,
    step.disposition === "release" && step.delaySeconds ? `for ${step.delaySeconds} s` : null,
    step.verdict ? String(step.verdict).replaceAll("-", " ") : null,
    step.reason ? `because ${step.reason}` : null,
    bare(step.text) === bare(step.reason) ? null : step.text,
  ].filter(Boolean).join(" ");
  return words ? element("p", { class: "step-why" }, value(words, { limit: 500 })) : null;
}

function bare(text) {
  return String(text ?? "").trim().replace(/\.$/, "").toLowerCase();
}

function by(step) {
  const parts = [];
  if (step.by) {
    parts.push("by ", value(step.by, { limit: 60 }));
  }
  if (step.claimedBy) {
    parts.push("claimed by ", value(step.claimedBy, { limit: 60 }));
  }
  if (step.kind === "dead-lettered" && step.subscription) {
    parts.push(parts.length ? ", " : "", linkTo("deadletters", { subscription: step.subscription, day: String(step.at ?? "").slice(0, 10) }, "In the dead letters"));
  }
  return parts;
}
