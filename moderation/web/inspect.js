// Inspect and reject: one probe, exactly as Event Grid delivered it.
import { call } from "./api.js";
import { busy, onPress } from "./busy.js";
import { element, part, value } from "./dom.js";
import { envelopeView } from "./envelope.js";
import { outcome } from "./problem.js";

/** Brings the section to life; `changed` is called when a probe has come back. */
export function inspecting(section, changed) {
  const button = part(section, "go");
  onPress(button, async () => {
    part(section, "result").replaceChildren();
    const answer = await busy([button], part(section, "outcome"), "Publishing the probe and waiting for its delivery…", () =>
      call("POST", "inspect", { patience: 120 }));
    part(section, "steps").hidden = answer.ok;
    outcome(part(section, "outcome"), answer, () => told(answer.data));
    part(section, "result").replaceChildren(...(answer.ok ? view(answer.data) : []));
    changed();
  });
}

function told(data) {
  if (!data.rejected) {
    return "The probe was received but not rejected.";
  }
  return data.by && data.by !== "this call" ? `The probe was rejected, by ${data.by}.` : "The probe was received and rejected.";
}

function view(data) {
  const properties = data.brokerProperties ?? {};
  return [
    element("dl", { class: "facts" },
      fact("Event subscription", data.subscription),
      fact("Delivery count", properties.deliveryCount),
      fact("Lock token", properties.lockToken, "code"),
      fact("Rejected", data.rejected ? `yes, by ${data.by ?? "this call"}` : "no"),
      fact("Reason", data.reason)),
    envelopeView(data.event),
  ];
}

function fact(name, what, tag = "span") {
  return element("div", {}, element("dt", {}, name), element("dd", {}, element(tag, {}, value(what ?? "unknown"))));
}
