// Settings and health in one view: what is wrong first, then everything as it is.
import { element, value } from "../../lib/dom.js";
import { checksOf, checksView } from "../../shell/health.js";
import { problemView } from "../../lib/problem.js";
import { facts, labelled, nothing } from "../shared/fields.js";
import { clauses, types } from "../shared/filters.js";

const EVERY = 30_000;

export const view = { title: "Settings and health", mount };

function mount(place, params, shell) {
  const parts = {
    health: section("health", "Health", "What the app depends on, checked just now."),
    caller: section("caller", "Your access", null),
    settings: section("settings", "Settings", "Secrets are never shown, nor sent to this page."),
    topology: section("topology", "Topic and event subscriptions", "Declared in topology.json, and deployed from there."),
    versions: section("versions", "App and host", null),
  };
  const filter = element("input", { type: "search", id: "settings-filter", autocomplete: "off", spellcheck: "false" });
  const found = element("p", { class: "hint", role: "status" });
  const table = element("div", {});
  const tools = element("div", { class: "settings-filter", hidden: true },
    element("label", { for: "settings-filter" }, "Show only those with"), filter, found);
  parts.settings.body.replaceChildren(tools, table, element("p", { class: "quiet" }, "Reading them…"));
  place.append(parts.health.node, element("div", { class: "settings-pair" }, parts.caller.node, parts.versions.node), parts.settings.node, parts.topology.node);

  let known = null;
  let due = 0;
  filter.addEventListener("input", () => known && showSettings());

  function showSettings() {
    const all = known.settings ?? [];
    const text = filter.value.trim().toLowerCase();
    const chosen = all.filter((one) => `${one.name} ${one.what ?? ""} ${one.value ?? ""}`.toLowerCase().includes(text));
    found.textContent = text ? `${chosen.length} of ${all.length}` : "";
    tools.hidden = false;
    table.replaceChildren(chosen.length ? settingsTable(chosen) : nothing("No setting has that text in its name, value or description."));
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
      parts.versions.fill(element("p", { class: "quiet" }, "Not known."));
    }
    parts.topology.fill(topology.ok ? topologyView({ ...topology.data, ...(known ? { subscriptions: known.limits } : {}) }) : known?.limits ? topologyView({ subscriptions: known.limits }) : problemView(topology));
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
  const body = element("div", {}, element("p", { class: "quiet" }, "Asking…"));
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
  const wrong = checks.filter((one) => !one.ok);
  const well = checks.filter((one) => one.ok);
  const [kind, mark, word] = !wrong.length ? ["acknowledge", "✓", "all is well"]
    : answer.status === 200 ? ["release", "!", "works, but something should be changed"] : ["reject", "✕", "something is missing"];
  return element("div", { class: "health-list" },
    element("p", {}, labelled(kind, mark, word)),
    wrong.length ? checksView(wrong) : null,
    well.length ? checksView(well) : null);
}

const KINDS = { user: "a signed-in user", key: "whoever holds this key", anyone: "anyone: this host asks for no key" };
const PAYLOADS = {
  shown: "shown", "on-request": "left out until you ask for them, which is noted", never: "never shown",
};

function callerView(me) {
  return facts([
    ["Name in the audit log", me.name],
    ["Known as", KINDS[me.kind] ?? me.kind],
    ["May act as", me.roles ? me.roles.join(", ") || "no role" : "what the key opens: see the badge at the list of views"],
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
    facts(Object.entries(versions).map(([name, one]) => [name, String(one)])));
}

function settingsTable(settings) {
  const ordered = [...settings].sort((one, other) => Boolean(other.problem) - Boolean(one.problem) || one.name.localeCompare(other.name));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Every setting" },
    element("table", { class: "wrapping settings" },
      element("thead", {}, element("tr", {}, ["Setting", "Value", "What it is"].map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ordered.map((one) => element("tr", {},
        element("th", { scope: "row" }, element("code", {}, value(one.name, { limit: 100 }))),
        element("td", {}, settingValue(one), one.problem ? element("p", { class: "setting-problem" }, labelled("reject", "!", value(one.problem, { limit: 300 }))) : null),
        element("td", {}, value(one.what ?? "", { limit: 600 })))))));
}

function settingValue(one) {
  const unit = one.unit ? ` ${one.unit}` : "";
  const normal = one.default !== null && one.default !== undefined && one.default !== "";
  if (one.secret) {
    return one.set ? labelled("other", "•", "set, not shown") : element("span", { class: "quiet" }, "not set");
  }
  if (!one.set) {
    return element("span", { class: "quiet" }, normal ? ["default: ", value(`${one.default}${unit}`)] : "not set");
  }
  return element("span", {}, element("code", {}, value(one.value ?? "", { limit: 300 })), unit,
    normal && String(one.default) !== String(one.value) ? element("span", { class: "quiet" }, " (default ", value(`${one.default}${unit}`), ")") : null);
}

function topologyView({ topic, subscriptions = [] }) {
  return element("div", {},
    topic ? element("p", {}, "Topic ", element("code", {}, value(topic))) : null,
    element("div", { class: "subscription-cards" }, subscriptions.map((one) =>
      element("article", { class: "sunken", "aria-label": one.name.slice(0, 200) },
        element("h3", {}, value(one.name, { limit: 80 })),
        facts([
          ["Event types", types(one) instanceof Node ? types(one) : String(types(one))],
          ["Filters", clauses(one) instanceof Node ? clauses(one) : String(clauses(one))],
          ["Lock", `${one.lockSeconds} s`], ["Deliveries", `at most ${one.maxDeliveryCount}`],
          ["Time to live", one.timeToLive], ["Drained", element("code", {}, value(one.schedule))],
          ["Lanes", one.lanes],
        ]),
        (one.problems ?? []).map(({ path, problem }) =>
          element("p", { class: "setting-problem" }, labelled("reject", "!", value(`${path} ${problem}`, { limit: 300 }))))))));
}
