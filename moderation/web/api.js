// The one door to the app's HTTP API: every answer comes back as a value, also the bad ones.
import { bareStatus, noAnswer, notJson } from "./words.js";

const KEY = "x-functions-key";
let listener = () => {};

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
}

/** Forgets the key of this tab. */
export function forgetKey() {
  sessionStorage.removeItem(KEY);
}

/**
 * An answer: {ok: true, status, data} or {ok: false, status, data, problem}; it never throws.
 * Status 0 stands for no answer; patience is in seconds.
 */
export async function call(method, path, { body, patience = 30 } = {}) {
  try {
    const response = await fetch(new URL(path, document.baseURI), {
      method,
      body,
      headers: headers(body),
      cache: "no-store",
      signal: AbortSignal.timeout(patience * 1000),
    });
    return read(response.status, await response.text());
  } catch (error) {
    return { ok: false, status: 0, problem: noAnswer(error, patience) };
  }
}

function headers(body) {
  const all = { accept: "application/json, application/problem+json" };
  if (body !== undefined) {
    all["content-type"] = "application/json";
  }
  if (hasKey()) {
    all[KEY] = sessionStorage.getItem(KEY);
  }
  return all;
}

function read(status, text) {
  const data = parsed(text);
  if (status >= 200 && status < 300) {
    return data === null ? { ok: false, status, problem: notJson(status) } : { ok: true, status, data };
  }
  if (status === 401) {
    listener();
  }
  return { ok: false, status, data, problem: problemOf(status, data) };
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
  return {
    title: data.title ?? bare.title,
    detail: data.detail ?? null,
    next: data.next ?? null,
    problems: Array.isArray(data.problems) ? data.problems : [],
    published: data.published,
    notPublished: data.notPublished,
  };
}
