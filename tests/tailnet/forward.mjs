/** `node forward.mjs <port> <socket>`: loopback's port inside of a network namespace, carried out of it by a unix socket. */
import { connect, createServer } from "node:net";
import process from "node:process";

const [port, socket] = process.argv.slice(2);
createServer((inside) => {
  const outside = connect(socket);
  inside.pipe(outside).pipe(inside);
  for (const [one, other] of [
    [inside, outside],
    [outside, inside],
  ])
    one.on("error", () => {}).on("close", () => other.destroy());
}).listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
