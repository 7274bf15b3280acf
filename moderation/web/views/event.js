// One event: its life over all event subscriptions.
import { element } from "../dom.js";
import { deliveryRow } from "../delivery.js";

export const view = {
  title: "One event",
  mount(place, params, shell) {
    const list = element("ul", { class: "rows card" });
    place.append(list);
    return {
      refresh: async () => {
        const answer = await shell.call("GET", `audit?id=${encodeURIComponent(params.get("id") ?? "")}&limit=200`);
        list.replaceChildren(...(answer.data?.entries ?? []).map((entry) => deliveryRow(entry)));
        return { answer, changed: false };
      },
    };
  },
};
