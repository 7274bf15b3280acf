// Starts the command `eventgrid-emulator`, waits until it answers, and ends it with this process.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { createInterface } from "node:readline";

const START_SECONDS = 60; // uvx may have to download it first
const NOT_INSTALLED =
  "Install the emulator (pipx install eventgrid-emulator, or uv tool install eventgrid-emulator), " +
  "or name its command: start({ command: [\"python3\", \"-m\", \"eventgrid_emulator\"] }).";

/** Start an emulator of its own and return it once it answers. */
export async function start(options = {}) {
  const { command = defaultCommand(), environment = {}, topology = null, log = logToStderr, ...more } = options;
  if (topology !== null && (more.topic ?? more.subscriptions) !== undefined) {
    throw new TypeError("start() takes a topology, or topic and subscriptions, not both");
  }
  const [program, ...before] = command;
  const child = spawn(program, [...before, ...commandLine(more)], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...environment },
    windowsHide: true,
  });
  const ready = await untilReady(child, program, log);
  const emulator = new Emulator(child, ready);
  try {
    if (topology !== null) await emulator.declare(topology, { isDefault: true });
  } catch (problem) {
    await emulator.stop();
    throw problem;
  }
  return emulator;
}

/** One running emulator. */
class Emulator {
  #child;
  #ca;

  constructor(child, ready) {
    this.#child = child;
    this.endpoint = ready.endpoint;
    this.key = ready.key;
    this.controlUrl = ready.controlUrl;
    this.caFile = ready.caFile;
    this.#ca = ready.caFile === null ? undefined : readFileSync(ready.caFile, "utf8");
    // What the clients of @azure/eventgrid-namespaces take as credential and as options.
    this.credential = { key: ready.key, update() {} };
    this.clientOptions = {
      allowInsecureConnection: true,
      retryOptions: { maxRetries: 0 },
      ...(this.#ca === undefined ? {} : { tlsOptions: { ca: this.#ca } }),
    };
  }

  /** Empty everything, put the clock right and the topology as it was at the start. */
  async reset(place = {}) {
    await this.#ask("POST", "/reset", place);
  }

  /** Move the clock forward; delays, locks and waiting receives that end by then have ended. */
  async advance(seconds) {
    await this.#ask("POST", "/clock", { advance: seconds });
  }

  /** Return what was dead-lettered, oldest first: { blob, deadLetterProperties, event }. */
  async deadLetters({ topic, subscription } = {}) {
    const answer = await this.#ask("GET", `/deadletters${query({ topic, subscription })}`);
    return answer.deadLetters;
  }

  /** Return what is held, without receiving it: { subscription, state, deliveryCount, event }. */
  async events({ topic, subscription } = {}) {
    return (await this.#ask("GET", `/events${query({ topic, subscription })}`)).events;
  }

  /** Wait until nothing is held, or `events` are; rejects after `seconds` (10). */
  async idle({ topic, subscription, events = 0, seconds = 10 } = {}) {
    await this.#ask("POST", "/wait", { topic, subscription, events, seconds });
  }

  /** Put another topology in force: one topic, or { topics: [...] }. */
  async declare(topology, { isDefault = false } = {}) {
    await this.#ask("PUT", `/topology${query({ default: isDefault ? "true" : undefined })}`, topology);
  }

  /** Switch faults on, instead of those that were on: { kind, operation, times, ... }. */
  async faults(faults, seed = 0) {
    await this.#ask("POST", "/faults", { faults, seed });
  }

  /** Stop it; resolves once it has ended. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.ref(); // until it has ended, there is something to wait for
    this.#child.stdin.end(); // it ends with its standard input
    await ended;
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }

  async #ask(method, path, body) {
    const { status, text } = await send(`${this.controlUrl}${path}`, method, body, this.#ca);
    const answer = JSON.parse(text);
    if (status >= 400) throw new Error(`${method} ${path}: ${answer.error?.message ?? status}`);
    return answer;
  }
}

// fetch() cannot be given a certificate authority to trust.
function send(url, method, body, ca) {
  const { request } = url.startsWith("https:") ? https : http;
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, ca, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part) => (text += part));
      answer.on("end", () => resolve({ status: answer.statusCode, text }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function defaultCommand() {
  const named = process.env.EVENTGRID_EMULATOR_COMMAND;
  return named ? named.split(" ") : ["eventgrid-emulator"];
}

function commandLine({ port = 0, topic, subscriptions = [], shortestWait, args = [], ...unknown }) {
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw new TypeError(`start() has no option "${name}"; options of the command go into args`);
  const given = ["--port", String(port), "--ready-json", "--exit-with-parent"];
  if (topic !== undefined) given.push("--topic", topic);
  for (const subscription of subscriptions) given.push("--subscription", subscription);
  if (shortestWait !== undefined) given.push("--shortest-wait", String(shortestWait));
  return [...given, ...args];
}

function logToStderr(text) {
  process.stderr.write(text);
}

function untilReady(child, program, log) {
  return new Promise((resolve, reject) => {
    let output = "";
    let isReady = false;
    const timer = setTimeout(() => fail(`it does not answer after ${START_SECONDS} s`), START_SECONDS * 1000);
    const lines = createInterface({ input: child.stdout });

    function fail(why) {
      clearTimeout(timer);
      lines.close();
      child.kill();
      reject(new Error(`The emulator did not start: ${why}${output ? `\n${output.trim()}` : ""}`));
    }

    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text) => {
      if (isReady) log(text);
      else output = (output + text).slice(-4000);
    });
    child.once("error", (problem) => {
      fail(problem.code === "ENOENT" ? `${program} is not found. ${NOT_INSTALLED}` : problem.message);
    });
    child.once("close", (code) => fail(`it ended with code ${code}`)); // with all of its output
    lines.once("line", (line) => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(line));
      } catch {
        fail(`this came instead of its ready line: ${line.slice(0, 200)}`);
        return;
      }
      isReady = true;
      child.removeAllListeners("close");
      letGo(child);
    });
  });
}

// The child must not keep this process alive: when it ends, so does the child's standard input.
function letGo(child) {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.unref?.();
}

function query(members) {
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
