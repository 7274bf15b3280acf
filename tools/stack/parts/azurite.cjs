/*
 * Loaded into Azurite before it starts (`node --require`), for two things it lacks.
 *
 * It answers a write up to five seconds before it saves it, so being killed loses what
 * it promised: here a write is answered when it is saved.  And nothing but a signal
 * stops it in order, which Windows does not have: here the end of its stdin does, so
 * it also never outlives whoever started it.
 */
"use strict";

const http = require("node:http");
const { createRequire } = require("node:module");

const Loki = createRequire(process.argv[1])("lokijs");
const databases = new Set();

const autosaveEnable = Loki.prototype.autosaveEnable;
Loki.prototype.autosaveEnable = function (...args) {
  databases.add(this);
  return autosaveEnable.apply(this, args);
};

const end = http.ServerResponse.prototype.end;
http.ServerResponse.prototype.end = function (...args) {
  if (["GET", "HEAD", "OPTIONS"].includes(this.req.method)) {
    return end.apply(this, args);
  }
  allSaved().then(
    () => end.apply(this, args),
    (error) => {
      console.error(`A write is not answered, because it could not be saved: ${error}`);
      this.destroy();
    },
  );
  return this;
};

function allSaved() {
  const unsaved = [...databases].filter(
    (database) => database.autosaveDirty() || database.throttledSavePending,
  );
  return Promise.all(unsaved.map(saved));
}

function saved(database) {
  return new Promise((resolve, reject) => {
    database.saveDatabase((error) => (error ? reject(error) : resolve()));
  });
}

function stop() {
  if (process.listenerCount("SIGTERM") > 1) {
    process.emit("SIGTERM");
  } else {
    process.exit(0); // it has not come far enough to listen itself
  }
}

process.stdin.on("end", stop);
process.stdin.on("error", stop);
process.stdin.resume();
process.once("SIGTERM", () => process.stdin.destroy());
process.once("SIGINT", () => process.stdin.destroy());
