// Starts the command `eventgrid-emulator`, waits until it answers, and ends it with this process.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const START_SECONDS = 20;
const NOT_INSTALLED =
  "Install the emulator (pipx install eventgrid-emulator, or uv tool install eventgrid-emulator), " +
  "or name its command: start({ command: [\"python3\", \"-m\", \"eventgrid_emulator\"] }).";

/** Start an emulator of its own and return it once it answers. */
export async function start(options = {}) {
  const { command = defaultCommand(), environment = {}, topology = null, ...more } = options;
  const [program, ...before] = command;
  const child = spawn(program, [...before, ...commandLine(more)], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...environment },
    windowsHide: true,
  });
  const ready = await untilReady(child, program);
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

  constructor(child, ready) {
    this.#child = child;
    this.endpoint = ready.endpoint;
    this.key = ready.key;
    this.controlUrl = ready.controlUrl;
    this.caFile = ready.caFile;
    // What the clients of @azure/eventgrid-namespaces take as credential and as options.
    this.credential = { key: ready.key, update() {} };
    this.clientOptions = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };
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
    const answer = await fetch(`${this.controlUrl}${path}`, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${said.error?.message ?? answer.status}`);
    return said;
  }
}

function defaultCommand() {
  const named = process.env.EVENTGRID_EMULATOR_COMMAND;
  return named ? named.split(" ") : ["eventgrid-emulator"];
}

function commandLine({ port = 0, topic, subscriptions = [], shortestWait, args = [] }) {
  const given = ["--port", String(port), "--ready-json", "--exit-with-parent"];
  if (topic !== undefined) given.push("--topic", topic);
  for (const subscription of subscriptions) given.push("--subscription", subscription);
  if (shortestWait !== undefined) given.push("--shortest-wait", String(shortestWait));
  return [...given, ...args];
}

function untilReady(child, program) {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => fail(`it does not answer after ${START_SECONDS} s`), START_SECONDS * 1000);
    const lines = createInterface({ input: child.stdout });

    function fail(why) {
      clearTimeout(timer);
      lines.close();
      child.kill();
      reject(new Error(`The emulator did not start: ${why}${said ? `\n${said.trim()}` : ""}`));
    }

    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text) => {
      said = (said + text).slice(-4000);
    });
    child.once("error", (problem) => {
      fail(problem.code === "ENOENT" ? `${program} is not found. ${NOT_INSTALLED}` : problem.message);
    });
    child.once("exit", (code) => fail(`it ended with code ${code}`));
    lines.once("line", (line) => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(line));
      } catch {
        fail(`this is not the line it says when it is ready: ${line.slice(0, 200)}`);
        return;
      }
      child.removeAllListeners("exit");
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
