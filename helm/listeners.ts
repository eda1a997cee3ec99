import { once } from "node:events";
import type { Server } from "node:http";
import { OcaptainError } from "../lib/base/errors.ts";
import type { Log } from "./log.ts";

/**
 * How soon an address that was not there is tried again: an address of a tailnet comes and goes with its tailscaled.
 */
const AGAIN_MS = 2_000;

/** What the system's codes mean to a person. */
const WHY: Record<string, string> = {
  EADDRINUSE: "another program listens there",
  EADDRNOTAVAIL: "this machine does not have that address",
};

/**
 * The servers by which the helm listens at more than loopback: at the captain's addresses in tailnets whose tailscaled
 * has a kernel interface. (A tailscaled without one delivers to loopback what comes for the captain.) An address that
 * is not there, yet or any more, is tried again until no voyage wants it.
 */
export class Listeners {
  readonly #open = new Map<string, Server>();
  readonly #make: () => Server;
  readonly #log: Log;
  #port = 0;
  #wanted: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param make makes a server of the ship API */
  constructor(make: () => Server, log: Log) {
    this.#make = make;
    this.#log = log;
  }

  /** Takes the port to listen at, which is known once the helm listens at loopback. */
  start(port: number): void {
    this.#port = port;
  }

  /**
   * Listens at these addresses and no others.
   * @throws OcaptainError NO_LISTENER naming the first address at which the helm cannot listen; it goes on being tried
   */
  async keep(addresses: readonly string[]): Promise<void> {
    this.#wanted = addresses;
    for (const [address, server] of this.#open) {
      if (addresses.includes(address)) continue;
      this.#open.delete(address);
      server.close();
      server.closeAllConnections();
    }
    clearTimeout(this.#timer);
    const errors = await Promise.all(
      addresses.filter((address) => !this.#open.has(address)).map((address) => this.#try(address)),
    );
    const failed = errors.filter((error) => error !== null);
    if (failed.length === 0) return;
    this.#timer = setTimeout(() => void this.keep(this.#wanted).catch(() => {}), AGAIN_MS);
    throw failed[0];
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#wanted = [];
  }

  async #try(address: string): Promise<OcaptainError | null> {
    const server = this.#make();
    try {
      server.listen({ host: address, port: this.#port });
      await once(server, "listening");
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      this.#log("not-listening", { address, code: code ?? String(cause) });
      return new OcaptainError(
        "NO_LISTENER",
        `the helm cannot listen at ${address}, port ${this.#port}: ${WHY[code ?? ""] ?? code ?? cause}`,
        {
          hint: code === "EADDRINUSE" ? `end the program that listens there: ss -ltnp 'sport = :${this.#port}'` : "tailscale up",
          cause,
        },
      );
    }
    if (!this.#wanted.includes(address) || this.#open.has(address)) server.close();
    else this.#open.set(address, server);
    return null;
  }
}
