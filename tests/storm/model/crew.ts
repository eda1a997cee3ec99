import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { voyageFolder } from "../../../lib/base/paths.ts";
import type { Grant } from "../../../lib/protocol/ship-claims.ts";
import type { CrewConfig } from "../../../lib/protocol/ship-files.ts";
import { ship as shipCalls } from "../../support/helm-voyage.ts";
import type { Vm } from "./provider.ts";

const CREW = join("voyage", "crew");

/** The file that stands for the crew's tmux session. */
const session = (vm: Vm) => join(vm.home, ".tmux", "crew");

/** Whether a crew's session is on a VM, with a crew in it or not. */
export const hasSession = (vm: Vm) => existsSync(session(vm));

/**
 * A crew as the helm sees it: it says hello, holds its presence open, claims, and offers commits. It writes a file with
 * a mark of its own for each claim, so that it can be told whether that work is lost.
 */
export class Crew {
  readonly #vm: Vm;
  readonly #config: CrewConfig;
  #stream: { close(): void } | undefined;
  isDead = false;
  #grant: { grant: Grant; mark: string } | null = null;

  readonly #isCutOff: () => boolean;
  #hasSaidHello = false;

  private constructor(vm: Vm, config: CrewConfig, isCutOff: () => boolean) {
    this.#vm = vm;
    this.#config = config;
    this.#isCutOff = isCutOff;
  }

  /** Its calls to the helm, with the token that lies on the ship now: an `up` may have put another one there. */
  get #call(): ReturnType<typeof shipCalls> {
    if (this.#isCutOff()) throw new Error("the helm is not reached");
    const token = readFileSync(join(this.#vm.home, CREW, "token"), "utf8");
    return shipCalls(this.#config.helmUrl, token, this.#config.incarnation);
  }

  /** Starts the crew that was put on a VM. Its session ends where the helm refuses it. */
  static async start(vm: Vm, isCutOff: () => boolean): Promise<Crew | null> {
    const config = JSON.parse(readFileSync(join(vm.home, CREW, "config.json"), "utf8")) as CrewConfig;
    const crew = new Crew(vm, config, isCutOff);
    if (isCutOff()) return crew;
    try {
      await crew.#hello();
      await crew.#listen();
      return crew;
    } catch {
      crew.die();
      return null;
    }
  }

  /** Ends at once, without a word. */
  die(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#stream?.close();
    this.#stream = undefined;
    rmSync(session(this.#vm), { force: true });
  }

  /** The network to the helm is gone, and the crew does not know it yet. */
  cutOff(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  /** Gives back what it holds, and ends. */
  async farewell(): Promise<void> {
    await this.release();
    this.die();
  }

  async release(): Promise<void> {
    const held = this.#grant;
    this.#grant = null;
    if (held && !this.#isCutOff()) await this.#call.release(held.grant, false, "the crew ends").catch(() => {});
  }

  /** Asks for a task unless it has one, and begins it. */
  async claim(): Promise<boolean> {
    if (this.isDead || this.#isCutOff()) return false;
    if (this.#grant) return true;
    const reply = await this.#call.claim().catch(() => null);
    if (reply?.kind !== "grant") return false;
    const { grant } = reply;
    const mark = `mark-${this.#config.ship}-${this.#config.incarnation}-${grant.task.id}-${grant.epoch}`;
    const tree = join(this.#vm.home, "voyage", "workspace");
    mkdirSync(tree, { recursive: true });
    writeFileSync(join(tree, mark), `${mark}\n`);
    this.#grant = { grant, mark };
    return true;
  }

  /** Delivers its task. Returns whether it was accepted; a crew that is fenced ends. */
  async deliver(): Promise<boolean> {
    const held = this.#grant;
    if (!held || this.isDead || this.#isCutOff()) return false;
    const { grant, mark } = held;
    const { repo } = voyageFolder(this.#config.stack);
    const ref = `refs/ships/${this.#config.ship}/${grant.task.id}-${grant.epoch}`;
    const file = (name: string, text: string) => `M 100644 inline ${name}\ndata ${text.length}\n${text}\n`;
    const commit = `commit ${ref}\ncommitter ${this.#config.ship} <s@o> 1700000000 +0000\ndata ${grant.task.id.length + 1}\nT${grant.task.id}\nfrom ${grant.tip}\n`;
    const input = `${commit}${file(mark, mark)}${file(`done/${grant.task.id}`, grant.task.id)}\ndone\n`;
    try {
      await execa("git", ["--git-dir", repo, "fast-import", "--quiet", "--done", "--force"], { input });
      const { stdout } = await execa("git", ["--git-dir", repo, "rev-parse", ref]);
      const reply = await this.#call.accept(grant, stdout.trim());
      if (reply.status === 200 && reply.body.kind === "accepted") {
        this.#grant = null;
        return true;
      }
      if (reply.status === 409) this.die();
    } catch {
      // The helm is away; the crew goes on holding its task.
    }
    return false;
  }

  /** Whether the helm still hears of it; it tries to be heard again when the helm was away. */
  async isHeard(): Promise<boolean> {
    if (this.isDead || this.#isCutOff()) return false;
    if (this.#stream) return true;
    if (!this.#hasSaidHello) await this.#hello().catch(() => {});
    const status = await this.#call
      .heartbeat(this.#grant && { task: this.#grant.grant.task.id, epoch: this.#grant.grant.epoch })
      .then(
        (reply) => reply.status,
        () => 0,
      );
    if (status === 409 || status === 401) this.die();
    if (status === 200) await this.#listen().catch(() => {});
    return this.#stream !== undefined;
  }

  async #hello(): Promise<void> {
    await this.#call.hello();
    this.#hasSaidHello = true;
  }

  async #listen(): Promise<void> {
    const stream = await this.#call.presence();
    this.#stream = stream;
    const listen = async () => {
      for (;;) if ((await stream.next()).type === "stop") return this.farewell();
    };
    // The stream ends with the helm, or with the crew.
    listen().catch(() => {
      if (this.#stream === stream) this.#stream = undefined;
    });
  }
}
