import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import type { HookInput, Verdict } from "./gatekeeper.ts";

/**
 * Listens for the gates' questions at a unix socket (0600), one question a connection. A question that cannot be read
 * or judged gets no answer, which the gate takes for a no. Returns the function that closes the socket.
 */
export async function listenForGates(path: string, judge: (input: HookInput) => Promise<Verdict>): Promise<() => Promise<void>> {
  rmSync(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    socket.on("end", () => {
      const answer = async () => judge((JSON.parse(text) as { input: HookInput }).input);
      answer().then(
        (verdict) => socket.end(JSON.stringify(verdict)),
        () => socket.destroy(),
      );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return () =>
    new Promise((resolve) => {
      for (const socket of open) socket.destroy();
      server.close(() => resolve());
    });
}
