/** Lets one set-up at a time work in a folder. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";

const WAIT_LIMIT_MS = 40 * 60_000;
/** After this long without a word, the other is taken for one of an earlier version, which says nothing. */
const SILENT_MS = 1_000;

/**
 * Waits until no other set-up works in `folder`, then resolves to a function that lets the next one in. `onWait` is
 * called once if there is something to wait for, with the other's process id where it says it. The lock is a listening
 * socket: the system closes it with its process, however that ends.
 */
export async function lock(folder, onWait) {
  const deadline = Date.now() + WAIT_LIMIT_MS;
  for (let told = false; ; ) {
    const release = await listen(address(folder));
    if (release) return release;
    await untilClosed(address(folder), deadline - Date.now(), (pid) => {
      if (!told) onWait(pid);
      told = true;
    });
  }
}

function address(folder) {
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  // On Linux this is a name without a file, so nothing is left behind. Elsewhere it is a socket file; untilClosed
  // removes the one that a killed set-up leaves.
  return process.platform === "linux" ? `\0ocaptain-setup-${name}` : join(folder, "setup.sock");
}

/**
 * Listens at `path` and resolves to a function that ends this; resolves to undefined when another process listens
 * there.
 */
function listen(path) {
  return new Promise((resolve, reject) => {
    const waiting = new Set();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.write(`${process.pid}\n`);
      socket.on("error", () => {}).on("close", () => waiting.delete(socket));
    });
    server.once("error", (error) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen(path, () => {
      server.unref();
      resolve(() => {
        server.close();
        for (const socket of waiting) socket.destroy();
      });
    });
  });
}

/**
 * Resolves when the listener at `path` is gone. `onHeard` is called with its process id, or without when it says none.
 */
function untilClosed(path, limitMs, onHeard) {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const silent = setTimeout(onHeard, SILENT_MS);
    socket.setEncoding("utf8").once("data", (said) => {
      clearTimeout(silent);
      onHeard(/^\d+$/.test(said.trim()) ? Number(said) : undefined);
    });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error("another set-up has been at work for too long; end it and try again"));
    }, limitMs);
    socket.on("error", (error) => {
      if (error.code === "ECONNREFUSED" && !path.startsWith("\0")) rmSync(path, { force: true });
    });
    socket.on("close", () => {
      clearTimeout(timer);
      clearTimeout(silent);
      resolve();
    });
    socket.resume();
  });
}
