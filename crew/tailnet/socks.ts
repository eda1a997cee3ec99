import { once } from "node:events";
import { connect, type Socket } from "node:net";

const HANDSHAKE_MS = 20_000;
/** The replies of a SOCKS5 server that could not connect (RFC 1928, section 6). */
const REASONS: Record<number, string> = {
  1: "general failure",
  2: "not allowed",
  3: "network unreachable",
  4: "host unreachable",
  5: "connection refused",
  6: "timed out",
};

/**
 * Connects to `host:port` (an IPv4 address) through the SOCKS5 server on loopback's `proxyPort`, without authentication
 * (RFC 1928). Rejects with the server's reason, and when the server has not answered after 20 s.
 */
export async function connectBySocks(proxyPort: number, host: string, port: number): Promise<Socket> {
  const socket = connect({ port: proxyPort, host: "127.0.0.1" });
  const signal = AbortSignal.timeout(HANDSHAKE_MS);
  try {
    await once(socket, "connect", { signal });
    socket.write(Buffer.from([5, 1, 0]));
    const [version, method] = await read(socket, 2, signal);
    if (version !== 5 || method !== 0) throw new Error("tailscaled's proxy does not speak SOCKS5 without a password");
    socket.write(Buffer.from([5, 1, 0, 1, ...host.split(".").map(Number), port >> 8, port & 255]));
    const [, reply = 1, , kind] = await read(socket, 4, signal);
    if (reply !== 0) throw new Error(REASONS[reply] ?? `tailscaled's proxy answered with reply ${reply}`);
    // The server tells the address that it bound. It is read, so that what follows is the first byte of the other side.
    const length = kind === 1 ? 4 : kind === 4 ? 16 : (await read(socket, 1, signal))[0]!;
    await read(socket, length + 2, signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? new Error(`tailscaled's proxy did not answer within ${HANDSHAKE_MS / 1000} s`) : error;
  }
}

/** Reads exactly `bytes` bytes, however they come; what comes after them stays in the stream. */
function read(socket: Socket, bytes: number, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let got = Buffer.alloc(0);
    const take = (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      if (got.length < bytes) return;
      release();
      if (got.length > bytes) socket.unshift(got.subarray(bytes));
      resolve(got.subarray(0, bytes));
    };
    const fail = () => {
      release();
      reject(new Error("tailscaled's proxy hung up"));
    };
    const release = () => {
      socket.pause().off("data", take).off("end", fail).off("error", fail);
      signal.removeEventListener("abort", fail);
    };
    signal.addEventListener("abort", fail);
    socket.on("data", take).on("end", fail).on("error", fail).resume();
  });
}
