// Settings and health in one view: what is wrong first, then everything as it is.
import { element, labelled, scrolling, table, value } from "../../lib/dom.js";
import { checksOf, checksView } from "../../shell/health.js";
import { problemView } from "../../lib/problem.js";
import { facts, nothing } from "../shared/fields.js";
import { clauses, types } from "../shared/filters.js";

const EVERY = 30_000;

export const view = { mount };

function mount(place, params, shell) {
  const parts = {
    health: section("health", "Health", "What the app depends on, checked just now."),
    caller: section("caller", "Your access", null),
    settings: section("settings", "Settings", "Secrets are neither shown nor sent to this page."),
    topology: section("topology", "Topic and event subscriptions", "Declared in topology.json, and deployed from there."),
    versions: section("versions", "App and host", null),
  };
  const filter = element("input", { type: "search", id: "settings-filter", autocomplete: "off", spellcheck: "false" });
  const found = element("p", { class: "hint", role: "status" });
  const table = element("div", {});
  const tools = element("div", { class: "settings-filter", hidden: true },
    element("label", { for: "settings-filter" }, "Filter settings"), filter, found);
  parts.settings.body.replaceChildren(tools, table, element("p", { class: "quiet" }, "Loading the settings…"));
  place.append(parts.health.node, element("div", { class: "settings-pair" }, parts.caller.node, parts.versions.node), parts.settings.node, parts.topology.node);

  let known = null;
  let due = 0;
  filter.addEventListener("input", () => known && showSettings());

  function showSettings() {
    const all = known.settings ?? [];
    const text = filter.value.trim().toLowerCase();
    const chosen = all.filter((setting) => `${setting.name} ${setting.what ?? ""} ${setting.value ?? ""}`.toLowerCase().includes(text));
    found.textContent = text ? `${chosen.length} of ${all.length}` : "";
    tools.hidden = false;
    table.replaceChildren(chosen.length ? settingsTable(chosen) : nothing("No setting has this text in its name, value or description."));
  }

  async function ask() {
    const [health, settings, me, topology] = await Promise.all([
      shell.call("GET", "health"), shell.call("GET", "settings"), shell.call("GET", "me"), shell.topology()]);
    if (health.aborted) {
      return null;
    }
    parts.health.fill(healthView(health));
    parts.caller.fill(me.ok ? callerView(me.data) : problemView(me));
    if (settings.ok) {
      known = settings.data;
      parts.settings.body.replaceChildren(tools, table);
      showSettings();
      parts.versions.fill(versionsView(known));
    } else if (!known) {
      parts.settings.body.replaceChildren(problemView(settings));
      parts.versions.fill(element("p", { class: "quiet" }, "Unknown."));
    }
    parts.topology.fill(known ? topologyView({ topic: topology.data?.topic, subscriptions: known.limits }) : problemView(settings));
    return { answer: health.data ? { ok: true } : health, changed: false };
  }

  return {
    async refresh() {
      if (performance.now() < due) {
        return null;
      }
      due = performance.now() + EVERY;
      const answer = await ask();
      due = answer?.answer.ok ? due : 0;
      return answer;
    },
    update() {},
  };
}

function section(name, title, lead) {
  const body = element("div", {}, element("p", { class: "quiet" }, "Loading…"));
  let shown = "";
  return {
    body,
    node: element("section", { class: "card", "aria-labelledby": `${name}-title` },
      element("h2", { id: `${name}-title` }, title), lead ? element("p", { class: "lead" }, lead) : null, body),
    // What has not changed keeps its place, and the reader's.
    fill(content) {
      if (content.outerHTML !== shown) {
        shown = content.outerHTML;
        body.replaceChildren(content);
      }
    },
  };
}

function healthView(answer) {
  const checks = checksOf(answer);
  if (!checks) {
    return problemView(answer);
  }
  const wrong = checks.filter(({ ok }) => !ok);
  const well = checks.filter(({ ok }) => ok);
  const [kind, mark, word] = !wrong.length ? ["acknowledge", "✓", "healthy"]
    : answer.status === 200 ? ["release", "!", "working, with something to fix"] : ["reject", "✕", "not healthy"];
  return element("div", { class: "health-list" },
    element("p", {}, labelled(kind, mark, word)),
    wrong.length ? checksView(wrong) : null,
    well.length ? checksView(well) : null);
}

const KINDS = { user: "a signed-in user", key: "whoever holds this key", anyone: "anyone: this host asks for no key" };
const PAYLOADS = {
  shown: "shown", "on-request": "hidden until you reveal it, which is recorded", never: "never shown",
};

function callerView(me) {
  return facts([
    ["Name in the audit log", me.name],
    ["Known as", KINDS[me.kind] ?? me.kind],
    ["May act as", me.roles ? me.roles.join(", ") || "no role" : "whatever the key allows: see the badge beside the views"],
    ["Data of events", PAYLOADS[me.payloads] ?? me.payloads],
  ]);
}

function longestRun({ functionTimeoutSeconds: seconds, functionTimeoutProblem: problem }) {
  return problem ?? (seconds ? `${seconds} s` : "no limit");
}

function versionsView({ versions = {}, host }) {
  return element("div", {},
    host ? facts([
      ["Host", host.name], ["Environment", host.environment], ["Functions host", host.functions],
      ["Longest run of a function", longestRun(host)],
    ]) : null,
    facts(Object.entries(versions)));
}

function settingsTable(settings) {
  const ordered = settings.toSorted((left, right) => Boolean(right.problem) - Boolean(left.problem) || left.name.localeCompare(right.name));
  return scrolling("Every setting", table(["Setting", "Value", "Description"], ordered.map((setting) => element("tr", {},
    element("th", { scope: "row" }, element("code", {}, value(setting.name, { limit: 100 }))),
    element("td", {}, settingValue(setting), setting.problem ? problem(setting.problem) : null),
    element("td", {}, value(setting.what ?? "", { limit: 600 })))), { kind: "wrapping settings" }));
}

function problem(words) {
  return element("p", { class: "setting-problem" }, labelled("reject", "!", value(words, { limit: 300 })));
}

function settingValue(setting) {
  const unit = setting.unit ? ` ${setting.unit}` : "";
  const normal = (setting.default ?? "") === "" ? null : value(`${setting.default}${unit}`);
  if (setting.secret && setting.set) {
    return labelled("other", "•", "set, not shown");
  }
  if (!setting.set) {
    return element("span", { class: "quiet" }, normal && !setting.secret ? ["default: ", normal] : "not set");
  }
  return element("span", {}, element("code", {}, value(setting.value ?? "", { limit: 300 })), unit,
    normal && String(setting.default) !== String(setting.value) ? element("span", { class: "quiet" }, " (default ", normal, ")") : null);
}

function topologyView({ topic, subscriptions = [] }) {
  return element("div", {},
    topic ? element("p", {}, "Topic ", element("code", {}, value(topic))) : null,
    element("div", { class: "subscription-cards" }, subscriptions.map((subscription) =>
      element("article", { class: "sunken", "aria-label": subscription.name.slice(0, 200) },
        element("h3", {}, value(subscription.name, { limit: 80 })),
        facts([
          ["Event types", types(subscription)],
          ["Filters", clauses(subscription)],
          ["Lock", `${subscription.lockSeconds} s`], ["Deliveries", `at most ${subscription.maxDeliveryCount}`],
          ["Time to live", subscription.timeToLive], ["Drained", element("code", {}, value(subscription.schedule))],
          ["Lanes", subscription.lanes],
        ]),
        (subscription.problems ?? []).map(({ path, problem: words }) => problem(`${path} ${words}`))))));
}
