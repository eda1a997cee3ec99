import { shipName, spriteName } from "../../../lib/base/naming.ts";
import { planMarks, textsDigest } from "../../../lib/plan/kept-plan.ts";
import type { Plan } from "../../../lib/plan/types.ts";

type Bag = Record<string, unknown>;

/** A resource as the program registers it: its inputs come of the outputs of those that it depends on. */
export type Registered = {
  name: string;
  kind: string;
  dependsOn: string[];
  inputs(outputs: (name: string) => Bag): Bag & { stack: string };
};

const SYNCS = ["tasks", "workspace", "logs"] as const;

/** What the program registers for a voyage, in its order (components/voyage.ts, components/ship.ts). */
export function program(of: { stack: string; provider: "sprites"; plan: Plan; ships: number }): Registered[] {
  const { stack, provider, plan } = of;
  const ships = Array.from({ length: of.ships }, (_, index) => shipName(index));
  return [
    { name: "muster", kind: "muster", dependsOn: [], inputs: () => ({ stack, provider }) },
    {
      name: "workspace",
      kind: "workspace",
      dependsOn: ["muster"],
      inputs: (outputs) => ({
        stack,
        voyageId: outputs("muster").voyageId,
        repo: plan.repo,
        textsDigest: textsDigest(plan),
      }),
    },
    {
      name: "helm",
      kind: "helm",
      dependsOn: ["muster", "workspace"],
      inputs: (outputs) => ({
        ...{ stack, provider, ...planMarks(plan), hand: "rehearsal", leaseSeconds: 3600, lingerSeconds: 1 },
        voyageId: outputs("muster").voyageId,
      }),
    },
    ...ships.flatMap((ship) => boarded({ stack, provider, ship })),
  ];
}

function boarded({ stack, provider, ship }: { stack: string; provider: string; ship: string }): Registered[] {
  const hull = (outputs: (name: string) => Bag) => {
    const { name, incarnation } = outputs(ship);
    return { stack, provider, voyageId: outputs("muster").voyageId, ship, sprite: name, incarnation };
  };
  const syncs = SYNCS.map((session) => `${ship}-${session}`);
  return [
    {
      name: ship,
      kind: "sprite",
      dependsOn: ["muster", "helm"],
      inputs: (outputs) => {
        const { voyageId, nonce } = outputs("muster");
        return { stack, provider, voyageId, nonce, crewDigest: "one", ship, name: spriteName(stack, String(voyageId), ship) };
      },
    },
    ...SYNCS.map((session) => ({
      name: `${ship}-${session}`,
      kind: "mutagen-sync",
      dependsOn: ["muster", ship],
      inputs: (outputs: (name: string) => Bag) => ({ ...hull(outputs), session }),
    })),
    {
      name: `${ship}-crew`,
      kind: "tmux-launch",
      dependsOn: ["muster", "helm", ship, ...syncs],
      inputs: (outputs) => ({
        ...hull(outputs),
        ...{ crewDigest: "one", credentialsDigest: "", helmUrl: outputs("helm").url },
        sessions: syncs.map((sync) => outputs(sync).sessionName),
      }),
    },
  ];
}
