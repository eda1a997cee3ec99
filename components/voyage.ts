import { ComponentResource, type ComponentResourceOptions, type Output, output } from "@pulumi/pulumi";
import { Helm } from "../dynamic-providers/helm/resource.ts";
import { Muster } from "../dynamic-providers/muster/resource.ts";
import { Workspace } from "../dynamic-providers/workspace/resource.ts";
import { fleetNumbers, shipName } from "../lib/base/naming.ts";
import { planMarks, textsDigest } from "../lib/plan/kept-plan.ts";
import type { Plan } from "../lib/plan/types.ts";
import type { HandKind, ProviderKind, TailnetKind } from "../lib/protocol/choices.ts";
import type { StepResources } from "./captain-steps.ts";
import { Ship } from "./ship.ts";

export type VoyageArgs = {
  stack: string;
  plan: Plan;
  /** Puts the plan where the providers read it: it is called when the captain's folder is there, before they do. */
  keepPlan: () => Promise<void>;
  ships: number;
  /** The numbers that no ship of the fleet has. */
  withoutShips?: readonly number[];
  /** The branch, tag or commit that the voyage begins from; the repository's HEAD when left out. */
  base?: string | undefined;
  provider: ProviderKind;
  hand: HandKind;
  /** The digest of the hand claude's credentials; "" for a hand that needs none. */
  credentialsDigest: string;
  /** The US dollars that the voyage may spend; no limit when left out. */
  budgetUsd?: number | undefined;
  /** Whether the hand claude's telemetry is kept. @default true */
  telemetry?: boolean | undefined;
  /** Whether it has the contents of prompts, answers and tool calls. @default false */
  telemetryContents?: boolean | undefined;
  noProgressMinutes?: number | undefined;
  leaseSeconds: number;
  lingerSeconds: number;
  /** The digest of the crew's packed files. */
  crewDigest: string;
  /** The tailnet that the ships join, if any. `digest` stands for the files that are put on ships for it. */
  tailnet?: { control: TailnetKind; digest: string } | undefined;
  /** The captain's local commands, or null when there are none. */
  steps?: StepResources | null;
};

/** A voyage: Muster → Workspace → Helm → ships (docs/design.md#order). It composes resources and calls no API. */
export class Voyage extends ComponentResource {
  readonly voyageId: Output<string>;
  readonly branch: Output<string>;
  readonly helmUrl: Output<string>;
  readonly ships: Ship[];

  constructor(name: string, args: VoyageArgs, opts?: ComponentResourceOptions) {
    super("ocaptain:index:Voyage", name, {}, opts);
    const {
      stack,
      plan,
      base,
      provider,
      hand,
      credentialsDigest,
      budgetUsd,
      leaseSeconds,
      lingerSeconds,
      crewDigest,
      tailnet,
      noProgressMinutes,
    } = args;
    const control = tailnet && { control: tailnet.control };
    const telemetry =
      args.telemetry === false ? { telemetry: "off" as const } : args.telemetryContents ? { telemetry: "contents" as const } : {};
    const muster = new Muster("muster", { stack, provider, ...control }, { parent: this });
    const { voyageId, nonce } = muster;
    const sailing = voyageId.apply((id) => args.keepPlan().then(() => id));
    const workspace = new Workspace(
      "workspace",
      { stack, voyageId: sailing, repo: plan.repo, ...(base && { base }), textsDigest: textsDigest(plan) },
      { parent: this },
    );
    const helm = new Helm(
      "helm",
      {
        ...{ stack, voyageId: sailing, provider, hand, ...planMarks(plan), leaseSeconds, lingerSeconds, ...control },
        ...(budgetUsd && { budgetUsd }),
        ...telemetry,
        ...(noProgressMinutes && { noProgressMinutes }),
      },
      { parent: this, dependsOn: workspace },
    );
    this.voyageId = voyageId;
    this.branch = workspace.branch;
    this.helmUrl = helm.url;
    const facts = { VOYAGE: voyageId, STACK: stack, BRANCH: workspace.branch };
    const sink = args.steps?.sink(facts, { parent: this, dependsOn: helm }) ?? null;
    this.ships = fleetNumbers(args.ships, args.withoutShips).map(
      (number) =>
        new Ship(
          shipName(number),
          {
            stack,
            provider,
            voyageId,
            nonce,
            helmUrl: helm.url,
            crewDigest,
            credentialsDigest,
            plan,
            tailnet: tailnet && { ...tailnet, captain: helm.captain, helmPort: helm.port },
            after: sink ? [helm, sink] : [helm],
          },
          { parent: this },
        ),
    );
    const again = [output(plan.digest), ...this.ships.map((ship) => ship.incarnation)];
    args.steps?.sail({ ...facts, SHIPS: this.ships.map(({ ship }) => ship).join(" ") }, again, {
      parent: this,
      dependsOn: this.ships,
    });
    this.registerOutputs({ voyageId: this.voyageId, branch: this.branch });
  }
}
