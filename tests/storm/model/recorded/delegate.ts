import type { dynamic } from "@pulumi/pulumi";

/** A provider of the shape of dynamic-providers/delegate.ts. */
export class Delegate implements dynamic.ResourceProvider {
  readonly kind: string;

  constructor(kind: string) {
    this.kind = kind;
  }

  async check(_olds: object, news: object) {
    const host = await import(`${process.cwd()}/host.ts`);
    return host.check(news);
  }

  async diff(_id: string, olds: object, news: object) {
    const host = await import(`${process.cwd()}/host.ts`);
    return host.diff(olds, news);
  }

  async create(news: object) {
    const host = await import(`${process.cwd()}/host.ts`);
    return host.create(news);
  }

  async update(_id: string, olds: object, news: object) {
    const host = await import(`${process.cwd()}/host.ts`);
    return host.update(olds, news);
  }

  async read(id: string, props: object) {
    const host = await import(`${process.cwd()}/host.ts`);
    return host.read(id, props);
  }

  async delete(_id: string, props: object) {
    const host = await import(`${process.cwd()}/host.ts`);
    return host.remove(props);
  }
}
