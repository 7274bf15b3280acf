// Inspect and reject: one probe, exactly as Event Grid delivered it.
import { call } from "../../lib/api.js";
import { busy, button } from "../../lib/busy.js";
import { operatorOnly } from "../../shell/caller.js";
import { element, value } from "../../lib/dom.js";
import { envelopeView } from "../../lib/envelope.js";
import { eventLink } from "../../lib/links.js";
import { outcome } from "../../lib/problem.js";
import { memberText } from "../../lib/rawjson.js";
import { facts } from "../shared/fields.js";

/** The section {node, know(topology)}; `changed` is called when a probe has come back. */
export function inspectSection(changed) {
  const inspect = operatorOnly(button("Inspect and reject a probe", ask, { kind: "primary" }));
  const status = element("div", { class: "outcome", role: "status" });
  const result = element("div", { class: "result" });
  const where = element("li", {});
  const steps = howItGoes(where);

  async function ask() {
    result.replaceChildren();
    const answer = await busy([inspect], status, "Publishing the probe and waiting for its delivery…", () =>
      call("POST", "inspect", { patience: 120 }));
    steps.hidden = answer.ok;
    outcome(status, answer, () => sentence(answer.data));
    result.replaceChildren(...(answer.ok ? resultView(answer) : []));
    changed();
  }

  const node = element("section", { class: "card", id: "inspect", "aria-labelledby": "inspect-title" },
    element("h2", { id: "inspect-title" }, "Inspect and reject"),
    element("p", { class: "lead" }, "See one event exactly as Event Grid delivers it."),
    steps,
    element("div", { class: "buttons" }, inspect),
    status, result);
  return { node, know: ({ inspected }) => where.replaceChildren(...place(inspected)) };
}

function place(name) {
  return name
    ? ["It is received from ", element("code", {}, value(name, { limit: 80 })), ". Other events received on the way are handled as usual."]
    : ["No declared event subscription both takes it and has a handler, so there is nothing to inspect."];
}

function howItGoes(where) {
  const code = (text) => element("code", {}, text);
  return element("ol", { class: "steps" },
    element("li", {}, "A probe, content id ", code("test-inspect"), ", is published as a ", code("ContentFlagged"), " event, marked as a probe in its envelope."),
    where,
    element("li", {}, "The probe is rejected, so Event Grid dead-letters it, and its envelope is shown here."));
}

function sentence(data) {
  if (!data.rejected) {
    return "The probe was received but not rejected.";
  }
  return data.by && data.by !== "this call" ? `The probe was rejected, by ${data.by}.` : "The probe was received and rejected.";
}

function resultView({ data, text }) {
  const properties = data.brokerProperties ?? {};
  const { id, source, time } = data.event ?? {};
  return [
    facts([
      ["Event subscription", data.subscription],
      ["Delivery count", properties.deliveryCount],
      ["Lock token", element("code", {}, value(properties.lockToken))],
      ["Rejected", data.rejected ? `yes, by ${data.by ?? "this call"}` : "no"],
      ["Reason", data.reason],
      ["Its life", eventLink({ id, source, at: time }, "One event")],
    ]),
    envelopeView(memberText(text, "event") ?? ""),
  ];
}
