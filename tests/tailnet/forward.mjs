/**
 * Run as `node forward.mjs <port> <socket> <STUN port>`, it carries loopback's port inside of a network namespace out
 * of it by a unix socket. It also answers STUN, which cannot be carried so: without an answer tailscaled looks for 3 s
 * before it takes the only relay there is.
 */
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import process from "node:process";

const [port, socket, stunPort] = process.argv.slice(2);
createServer((inside) => {
  const outside = connect(socket);
  inside.pipe(outside).pipe(inside);
  for (const [one, other] of [
    [inside, outside],
    [outside, inside],
  ])
    one.on("error", () => {}).on("close", () => other.destroy());
}).listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));

const COOKIE = 0x2112a442;
const stun = createSocket("udp4");
stun.on("message", (request, from) => {
  // By RFC 5389 this is the answer to a binding request, whose one attribute is XOR-MAPPED-ADDRESS; the address is
  // loopback's.
  const answer = Buffer.alloc(32);
  answer.writeUInt16BE(0x0101, 0);
  answer.writeUInt16BE(12, 2);
  request.copy(answer, 4, 4, 20);
  answer.writeUInt32BE(0x00200008, 20);
  answer.writeUInt16BE(1, 24);
  answer.writeUInt16BE(from.port ^ (COOKIE >>> 16), 26);
  answer.writeUInt32BE((0x7f000001 ^ COOKIE) >>> 0, 28);
  stun.send(answer, from.port, from.address);
});
stun.bind(Number(stunPort), "127.0.0.1");
