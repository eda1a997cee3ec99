import { shipName, spriteName } from "../../../lib/base/naming.ts";
import { type PartlyMade, type Props, resource } from "../../support/voyage/resource.ts";

/**
 * A stand-in for what the engine does with a fleet's sprite resources: `up` refreshes, then creates or updates by diff,
 * all resources at once, and then deletes. `state` is what it has recorded.
 */
export class Engine {
  readonly #voyage: Props & { voyageId: string; nonce: string };
  readonly state = new Map<string, Props>();
  /** All properties that were ever recorded: a provider process that outlived its engine may still act on them. */
  readonly past: Props[] = [];

  constructor(voyage: Props & { voyageId: string; nonce: string }) {
    this.#voyage = voyage;
  }

  nameOf = (index: number) => spriteName(this.#voyage.stack, this.#voyage.voyageId, shipName(index));

  #resource(name: string) {
    const { stack, voyageId, nonce, provider } = this.#voyage;
    return resource("sprite", { stack, voyageId, nonce, provider, crewDigest: "one", name, ship: /ship-\d+$/.exec(name)![0] });
  }

  async refresh(): Promise<void> {
    const seen = await Promise.all(
      [...this.state].map(async ([name, props]) => [name, await this.#resource(name).read(props)] as const),
    );
    for (const [name, props] of seen) this.#record(name, props);
  }

  /**
   * Runs an `up` and resolves to the errors, by the resource's name. When `killed`, it makes what it makes but records
   * nothing.
   */
  async up(ships: number, killed = false): Promise<Map<string, string>> {
    const errors = new Map<string, string>();
    await this.refresh();
    const wanted = Array.from({ length: ships }, (_, index) => this.nameOf(index));
    const step = async (name: string, work: () => Promise<Props | null>) => {
      try {
        const made = await work();
        if (!killed) this.#record(name, made);
      } catch (error) {
        const { properties, message } = error as PartlyMade;
        errors.set(name, message);
        if (properties && !killed) this.#record(name, properties);
      }
    };
    await Promise.all(wanted.map((name) => step(name, () => this.#ensure(name))));
    if (killed) return errors;
    const unwanted = [...this.state].filter(([name]) => !wanted.includes(name));
    await Promise.all(unwanted.map(([name, props]) => step(name, () => this.delete(props))));
    return errors;
  }

  async delete(props: Props): Promise<null> {
    await this.#resource(String(props.name)).remove(props);
    return null;
  }

  async #ensure(name: string): Promise<Props> {
    const known = this.state.get(name);
    if (!known) return this.#resource(name).create();
    return (await this.#resource(name).diff(known)).changes ? this.#resource(name).update(known) : known;
  }

  #record(name: string, props: Props | null): void {
    if (!props) return void this.state.delete(name);
    this.state.set(name, props);
    this.past.push(props);
  }
}
