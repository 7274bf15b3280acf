// What is written is checked by the API's own rules while it is written, and problems are shown with their line.
import { call } from "../../lib/api.js";
import { button } from "../../lib/busy.js";
import { count, element, value } from "../../lib/dom.js";
import { lineOf, syntaxProblem } from "./lines.js";

const REST = 400;
const MOST = 20;

/** Checks the text of this field, and says in the place what is wrong; the answer checks now. */
export function checking(field, place, signal) {
  let timer = null;
  let turn = 0;

  async function check() {
    const mine = (turn += 1);
    const text = field.value;
    const broken = text.trim() ? syntaxProblem(text) : null;
    if (!text.trim() || broken) {
      return tell(broken ? [broken] : [], broken ? "Not JSON yet" : "");
    }
    const answer = await call("POST", "events/check", { body: text, signal, quiet: true });
    if (mine !== turn) {
      return undefined;
    }
    const result = answer.ok ? answer.data : answer.status === 400 ? answer.problem : null;
    return result ? show(text, result) : tell([], "");
  }

  function show(text, result) {
    if (result.valid) {
      return tell([], `✓ Valid: ${count(result.events ?? 1, "event")} ready to publish.`, "valid");
    }
    const listed = (result.problems ?? []).map((problem) => ({ ...problem, ...lineOf(text, problem.path) }));
    return tell(listed, listed.length ? `${count(listed.length, "problem")}` : result.detail ?? "");
  }

  function tell(problems, words, kind = "invalid") {
    place.className = `checked ${words ? kind : ""}`;
    field.toggleAttribute("data-invalid", kind === "invalid" && words !== "");
    place.replaceChildren(
      words ? element("p", { class: "check-words" }, value(words, { limit: 400 })) : "",
      problems.length ? element("ul", {}, problems.slice(0, MOST).map((problem) => problemLine(problem, field))) : "",
      problems.length > MOST ? element("p", { class: "quiet" }, `and ${(problems.length - MOST).toLocaleString()} more`) : "");
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, REST);
  });
  return () => {
    clearTimeout(timer);
    check();
  };
}

// A press on the line selects it in the field.
function problemLine({ path, problem, line, start, end }, field) {
  const words = [path ? [element("code", {}, value(path)), " "] : [], value(problem, { limit: 300 })].flat();
  if (line === undefined) {
    return element("li", {}, words);
  }
  const jump = () => {
    field.focus();
    field.setSelectionRange(start, end);
  };
  return element("li", {}, button(`line ${line}`, jump, { kind: "link" }), " ", words);
}
