import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { EventGridReceiverClient, EventGridSenderClient } from "@azure/eventgrid-namespaces";
import { start } from "eventgrid-emulator";

const PAID = "com.shop.OrderPaid";
let emulator, sender, paid, all;

before(async () => {
  emulator = await start({ topic: "orders", subscriptions: [`sub-paid=${PAID}`, "sub-all"], shortestWait: 0 });
  const client = (Client, ...names) => new Client(emulator.endpoint, emulator.credential, ...names, emulator.clientOptions);
  sender = client(EventGridSenderClient, "orders");
  paid = client(EventGridReceiverClient, "orders", "sub-paid");
  all = client(EventGridReceiverClient, "orders", "sub-all");
});
beforeEach(() => emulator.reset());
after(() => emulator?.stop());

const order = (type = PAID) => ({ type, source: "/shop", data: { total: 1 } });

async function received(receiver) {
  const { details } = await receiver.receiveEvents({ maxEvents: 10, maxWaitTime: 10 });
  return details.map(({ brokerProperties, event }) => ({ ...brokerProperties, event }));
}

test("an event goes where its type is taken, and is gone once acknowledged", async () => {
  await sender.sendEvents([order(), order("com.shop.OrderRefunded")]);

  const [delivery, ...more] = await received(paid);
  const { succeededLockTokens } = await paid.acknowledgeEvents([delivery.lockToken]);

  assert.equal(delivery.event.type, PAID);
  assert.equal(more.length, 0);
  assert.equal(succeededLockTokens.length, 1);
  await emulator.idle({ subscription: "sub-paid" });
  assert.equal((await received(all)).length, 2);
});

test("what is released for an hour comes back when the clock is moved", async () => {
  await sender.sendEvents(order());
  const [delivery] = await received(paid);
  await paid.releaseEvents([delivery.lockToken], { releaseDelay: 3600 });
  assert.deepEqual(await received(paid), []);

  await emulator.advance(3600);

  assert.equal((await received(paid))[0].deliveryCount, 2);
});

test("what is rejected is a dead letter", async () => {
  await sender.sendEvents(order());
  const [delivery] = await received(paid);
  await paid.rejectEvents([delivery.lockToken]);

  const [letter, ...more] = await emulator.deadLetters({ subscription: "sub-paid" });

  assert.equal(letter.deadLetterProperties.deadletterreason, "Event was rejected.");
  assert.equal(letter.event.type, PAID);
  assert.equal(more.length, 0);
});

test("a reset leaves nothing: no event, lock, dead letter or moved clock", async () => {
  await sender.sendEvents([order(), order()]);
  const [delivery] = await received(paid);
  await paid.rejectEvents([delivery.lockToken]);
  await emulator.advance(86_400);

  await emulator.reset();

  assert.deepEqual(await emulator.events(), []);
  assert.deepEqual(await emulator.deadLetters(), []);
  const clock = await (await fetch(`${emulator.controlUrl}/clock`)).json();
  assert.equal(clock.ahead, 0);
});

test("what is held can be seen without receiving it", async () => {
  await sender.sendEvents(order());
  await received(paid);

  const [held] = await emulator.events({ subscription: "sub-paid" });

  assert.equal(held.state, "locked");
  assert.equal(held.deliveryCount, 1);
  assert.equal(held.event.type, PAID);
});

test("thirty times nothing comes, in less than one wait", async () => {
  const began = performance.now();

  for (let time = 0; time < 30; time++) assert.deepEqual(await received(all), []);

  assert.ok(performance.now() - began < 10_000); // each asked to wait so long
});

test("a second emulator is another world, and gone when it is stopped", async () => {
  const other = await start({ topology: { topic: "orders", eventSubscriptions: [{ name: "sub-all" }] } });
  await other.declare({ topic: "returns", eventSubscriptions: [{ name: "sub-all" }] });
  await other.reset();
  assert.deepEqual(await other.events({ topic: "orders" }), []);
  assert.deepEqual(await emulator.deadLetters(), []);

  await other.stop();

  await assert.rejects(fetch(other.endpoint));
});

test("it ends with the process that started it, however that ends", async () => {
  const script = 'import { start } from "eventgrid-emulator"; console.log((await start()).endpoint); setInterval(() => {}, 1000);';
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { cwd: import.meta.dirname });
  const [line] = await once(child.stdout, "data");
  const endpoint = String(line).trim();
  assert.ok((await fetch(`${endpoint}/_local/health`)).ok);

  child.kill("SIGKILL");

  await once(child, "exit");
  for (let tries = 0; tries < 500; tries++) {
    try {
      await fetch(`${endpoint}/_local/health`);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("it still answers five seconds later");
});

const secured = process.env.EMULATOR_WITH_TLS; // the command of one that has the extra

test("over TLS its authority is trusted by the SDK and by the helper", { skip: !secured }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-"));
  const other = await start({
    command: secured.split(" "),
    environment: { PYTHONPATH: process.env.EMULATOR_PATH },
    args: ["--tls", "--tls-folder", folder],
    shortestWait: 0,
  });
  const receiver = new EventGridReceiverClient(other.endpoint, other.credential, "events", "all", other.clientOptions);

  assert.ok(other.endpoint.startsWith("https://"));
  assert.deepEqual(await received(receiver), []);
  assert.deepEqual(await other.events(), []);
  await other.stop();
});

test("what it logs is handed on", async () => {
  const said = [];
  const other = await start({ shortestWait: 0, log: (text) => said.push(text) });
  const receiver = new EventGridReceiverClient(other.endpoint, other.credential, "events", "all", other.clientOptions);

  await assert.rejects(receiver.receiveEvents({ maxWaitTime: 500 }));
  await other.stop();

  assert.match(said.join(""), /maxWaitTime is a whole number/);
});

test("an option that is none is refused", async () => {
  await assert.rejects(start({ subscription: ["sub-all"] }), /no option "subscription"/);
  await assert.rejects(start({ topology: { topic: "orders" }, topic: "orders" }), /not both/);
});

test("a command that is not there says what to install", async () => {
  await assert.rejects(start({ command: ["no-such-emulator"] }), /not found.*Install the emulator/s);
});

test("a wrong option is told with the emulator's own words", async () => {
  await assert.rejects(start({ topic: "x" }), /3 to 50 letters/);
});
