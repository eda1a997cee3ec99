import { once } from "node:events";
import type { Server } from "node:http";
import { OcaptainError } from "../lib/base/errors.ts";
import type { Log } from "./log.ts";

/** An address of a tailnet comes and goes with its tailscaled. */
const AGAIN_MS = 2_000;

/**
 * Where the helm listens besides loopback: the captain's addresses in tailnets whose tailscaled has a kernel interface. One without delivers to
 * loopback what comes for the captain. An address that is not there (yet, or any more) is tried again until nobody wants it.
 */
export class Doors {
  readonly #open = new Map<string, Server>();
  readonly #make: () => Server;
  readonly #log: Log;
  #port = 0;
  #wanted: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `make`: a server of the ships' API. */
  constructor(make: () => Server, log: Log) {
    this.#make = make;
    this.#log = log;
  }

  /** The port, which is known when loopback's is. */
  start(port: number): void {
    this.#port = port;
  }

  /**
   * Listens at these addresses and no others.
   * @throws OcaptainError NO_DOOR naming the first that cannot be listened at; it goes on being tried
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
      this.#log("door-closed", { address, code: code ?? String(cause) });
      return new OcaptainError("NO_DOOR", `the helm cannot listen at ${address}, port ${this.#port}: ${code}`, {
        hint: code === "EADDRINUSE" ? "end what listens there" : "tailscale up",
        cause,
      });
    }
    if (!this.#wanted.includes(address) || this.#open.has(address)) server.close();
    else this.#open.set(address, server);
    return null;
  }
}
