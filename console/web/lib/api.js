// The one door to the app's HTTP API: every answer comes back as a value, also the bad ones.
import { bareStatus, noAnswer, notJson } from "./words.js";

const KEY = "x-functions-key";
let listener = () => {};
// Whether this tab's key has opened something: then a refusal elsewhere says that it opens no more.
let opened = false;

/** Says whom to tell when the app asks for a key. */
export function onKeyNeeded(tell) {
  listener = tell;
}

/** True when this tab holds a function key. */
export function hasKey() {
  return sessionStorage.getItem(KEY) !== null;
}

/** Keeps the key for as long as the tab lives. */
export function rememberKey(key) {
  sessionStorage.setItem(KEY, key);
  opened = false;
}

/** Forgets the key of this tab. */
export function forgetKey() {
  sessionStorage.removeItem(KEY);
  opened = false;
}

/**
 * An answer: {ok: true, status, data, text} or {ok: false, status, data, problem}; it never throws.
 * `text` is what `data` was read from: numbers in it have all of their digits.
 * `needsKey`: the host itself lets nobody in without a function key, or not with this one.
 * Status 0 stands for no answer, `aborted` for one that nobody waits for any more; patience is in seconds.
 * `quiet`: a 401 is an answer, not a reason to ask for a key.
 */
export async function call(method, path, { body, type = "application/json", patience = 30, signal = null, quiet = false } = {}) {
  const sent = await send(method, path, { body, type, patience, signal });
  return sent.response ? read(method, sent.response.status, sent.text, quiet) : sent;
}

/** Sends a body although the page is being left: nobody learns what came of it. */
export function sendLast(path, body) {
  fetch(new URL(path, document.baseURI), { method: "POST", body, headers: headers(body), keepalive: true }).catch(() => {});
}

/** A call whose answer is no JSON: {ok: true, status, blob, cursor}; the cursor asks for what comes next, if anything does. */
export async function download(path, { patience = 120, signal = null } = {}) {
  const sent = await send("GET", path, { patience, signal, as: "blob" });
  if (!sent.response) {
    return sent;
  }
  const { status } = sent.response;
  return status === 200 ? { ok: true, status, blob: sent.text, cursor: sent.response.headers.get("x-next-cursor") } : read("GET", status, await sent.text.text(), false);
}

async function send(method, path, { body, type, patience, signal, as = "text" }) {
  const late = AbortSignal.timeout(patience * 1000);
  try {
    const response = await fetch(new URL(path, document.baseURI), {
      method,
      body,
      headers: headers(body, type),
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    return { response, text: await response[as]() };
  } catch (error) {
    return { ok: false, status: 0, aborted: signal?.aborted ?? false, problem: noAnswer(error, patience) };
  }
}

function headers(body, type = "application/json") {
  const all = { accept: "application/json, application/problem+json" };
  if (body !== undefined) {
    all["content-type"] = type;
  }
  if (hasKey()) {
    all[KEY] = sessionStorage.getItem(KEY);
  }
  return all;
}

function read(method, status, text, quiet) {
  const data = parsed(text);
  if (status >= 200 && status < 300) {
    opened ||= hasKey();
    return data === null ? { ok: false, status, problem: notJson(status) } : { ok: true, status, data, text };
  }
  // The host's own 401 says nothing; the app's says who has to sign in, and a key would not help.
  const needsKey = status === 401 && data === null;
  if (needsKey && !quiet) {
    listener({ lesser: method !== "GET" && opened });
  }
  return { ok: false, status, data, needsKey, problem: problemOf(status, data) };
}

function parsed(text) {
  try {
    const data = JSON.parse(text);
    return typeof data === "object" ? data : null;
  } catch {
    return null;
  }
}

function problemOf(status, data) {
  const bare = bareStatus(status);
  if (data === null || !(data.title || data.detail)) {
    return bare;
  }
  return { ...data, title: data.title ?? bare.title, problems: Array.isArray(data.problems) ? data.problems : [] };
}
