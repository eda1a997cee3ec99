import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { z } from "zod";
import * as api from "../../lib/protocol/ship-api.ts";
import * as claimApi from "../../lib/protocol/ship-claims.ts";
import * as reportApi from "../../lib/protocol/ship-reports.ts";
import { gitIn } from "../support/git.ts";

/**
 * A helm with one ship and a small ledger in memory, for what the real one cannot be made to do on command: be away,
 * answer late, refuse. It checks each request against the schemas of the wire, and serves the repository by git's own
 * `http-backend`.
 */
export type StandInTask = {
  id: string;
  subject: string;
  rehearsal?: string;
  check?: string;
  timeoutSeconds?: number;
  tries?: number;
};
type Row = StandInTask & {
  status: "pending" | "claimed" | "accepted" | "blocked";
  epoch: number;
  tries: number;
  faults: number;
  reason: string;
  commit: string;
};

/** The fence of tests that wait for it, in seconds. */
export const SOON = 2;

export class StandInHelm {
  readonly rows: Row[];
  readonly calls: { name: string; body: Record<string, unknown> }[] = [];
  /** A test that waits for the fence makes it {@link SOON}; no other comes to it, however busy the machine is. */
  readonly timing = { leaseSeconds: 20, heartbeatSeconds: 0.2, fenceSeconds: 15, lingerSeconds: 0.5 };
  readonly token = "token-0123456789abcdef";
  readonly branch = "voyage-test";
  readonly repo: string;
  /** While this is true, connections are cut without an answer. */
  away = false;
  /** Requests of git whose path matches are answered by 503. */
  gitAway: RegExp | null = null;
  /** Paths of the requests that came while the helm was away. */
  readonly turnedAway: string[] = [];
  /** Refusals of calls, by the name of the call, until the test takes them off. */
  refusals: Record<string, api.Refusal> = {};
  /** How many answers of a call are lost after they were computed, by the name of the call. */
  loseAnswers: Record<string, number> = {};
  /** How long answers of a call are held back after they were decided, by the name of the call. */
  slowAnswerMs: Record<string, number> = {};
  steer: "go" | "stop" = "go";
  /** After so many faults of the ship a task is not granted any more. */
  mostFaults = 2;
  verifyScript: string | null = null;
  /** The commit that is to be verified; null for the tip. */
  verifyCommit: string | null = null;
  /** Is called before a verification is given out. */
  beforeVerify: () => void = () => {};
  verified: z.infer<typeof reportApi.VerifiedRequest> | null = null;
  unverified: z.infer<typeof reportApi.UnverifiedRequest>[] = [];
  /** After so many verifications that were given back no more is given out. */
  mostUnverified = 1;
  /** Whether the next hello says that the ship is tried anew. */
  anew = false;
  presences = new Set<ServerResponse>();
  url = "";
  /** Is called before an accept is decided, for tests that move the tip. */
  beforeAccept: () => void = () => {};

  /** Returns for how long no heartbeat was acknowledged. */
  get silentMs(): number {
    return performance.now() - this.#heardAt;
  }

  #heardAt = performance.now();
  readonly #server = createServer((req, res) => void this.#serve(req, res));
  readonly #answers = new Map<string, { status: number; body: unknown }>();
  #waiters: (() => void)[] = [];

  constructor(folder: string, tasks: StandInTask[]) {
    this.repo = join(folder, "repo.git");
    this.rows = tasks.map(
      (task) => ({ tries: 0, faults: 0, ...task, status: "pending", epoch: 0, reason: "", commit: "" }) as Row,
    );
    mkdirSync(this.repo);
    gitIn(this.repo, "init", "--quiet", "--bare", `--initial-branch=${this.branch}`);
    gitIn(this.repo, "config", "http.receivepack", "true");
    const seed = join(folder, "seed");
    mkdirSync(seed);
    gitIn(seed, "init", "--quiet", `--initial-branch=${this.branch}`);
    writeFileSync(join(seed, "shared.txt"), "one\n");
    writeFileSync(join(seed, ".gitignore"), "cache/\n");
    gitIn(seed, "add", "--all");
    gitIn(seed, "commit", "--quiet", "-m", "seed");
    gitIn(seed, "push", "--quiet", this.repo, this.branch);
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  get tip(): string {
    return gitIn(this.repo, "rev-parse", `refs/heads/${this.branch}`);
  }

  row(id: string): Row {
    return this.rows.find((row) => row.id === id)!;
  }

  count(name: string): number {
    return this.calls.filter((call) => call.name === name).length;
  }

  /** Resolves when `when` holds after some call; rejects after `timeoutMs`. */
  async until(what: string, when: () => boolean, timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!when()) {
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`not seen in ${timeoutMs} ms: ${what}; ${JSON.stringify(this.rows)} ${this.calls.map((c) => c.name)}`);
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
        setTimeout(resolve, Math.min(left, 100));
      });
    }
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (this.away || (req.url!.startsWith("/git/") && this.gitAway?.test(req.url!))) {
      this.turnedAway.push(req.url!);
      this.#wake();
      return this.away ? void req.socket.destroy() : send(res, 503, { error: "starting" });
    }
    if (req.headers.authorization !== `Bearer ${this.token}`) return send(res, 401, { error: "unauthorized" });
    const url = new URL(req.url!, "http://helm");
    if (url.pathname.startsWith("/git/")) return this.#git(req, res, url);
    const name = url.pathname.replace("/v1/ship/", "");
    if (name === "presence") {
      this.presences.add(res);
      res.once("close", () => {
        this.presences.delete(res);
        this.#wake();
      });
      res.writeHead(200, { "content-type": "application/x-ndjson" });
      res.write('{"type":"ping"}\n');
      return this.#wake();
    }
    let text = "";
    for await (const chunk of req) text += chunk;
    const body = JSON.parse(text);
    this.calls.push({ name, body });
    let answer = this.#answers.get(body.requestId);
    if (!answer) {
      answer = this.refusals[name] ? { status: 409, body: this.refusals[name] } : this.#decide(name, body);
      if (name !== "heartbeat") this.#answers.set(body.requestId, answer);
    }
    this.#wake();
    await new Promise((resolve) => setTimeout(resolve, this.slowAnswerMs[name] ?? 0));
    if ((this.loseAnswers[name] ?? 0) > 0) {
      this.loseAnswers[name]! -= 1;
      return void req.socket.destroy();
    }
    send(res, answer.status, answer.body);
  }

  #decide(name: string, raw: unknown): { status: number; body: unknown } {
    const ok = (body: unknown) => ({ status: 200, body });
    const stale = (row: Row, epoch: number) =>
      row.status === "claimed" && row.epoch === epoch
        ? null
        : {
            status: 409,
            body: {
              error: "stale-epoch",
              message: `task ${row.id} is at epoch ${row.epoch}`,
              holder: null,
            } satisfies api.Refusal,
          };
    switch (name) {
      case "hello": {
        api.Hello.parse(raw);
        const held = this.rows.find((row) => row.status === "claimed");
        const voyage = { id: "abc123", stack: this.branch, branch: this.branch, name: "A test" };
        const reply: api.HelloReply = {
          voyage,
          ship: "ship-0",
          hand: "rehearsal",
          ...this.timing,
          claim: held ? this.#grant(held) : null,
          ...(this.anew && { anew: true as const }),
        };
        return ok(reply);
      }
      case "claim": {
        claimApi.ClaimRequest.parse(raw);
        const row = this.rows.find((candidate) => candidate.status === "pending");
        if (row) {
          row.status = "claimed";
          row.epoch += 1;
          return ok({ kind: "grant", grant: this.#grant(row) });
        }
        if (this.verifyScript !== null && !this.verified && this.unverified.length < this.mostUnverified) {
          this.beforeVerify();
          const commit = this.verifyCommit ?? this.tip;
          return ok({ kind: "verify", epoch: this.unverified.length + 1, commit, script: this.verifyScript, timeoutSeconds: 20 });
        }
        const reason = this.rows.every((candidate) => candidate.status === "accepted") ? "done" : "waiting";
        return ok({ kind: "nothing", reason, retryAfterSeconds: 0.1 });
      }
      case "heartbeat": {
        const { claim } = api.Heartbeat.parse(raw);
        this.#heardAt = performance.now();
        return (claim && stale(this.row(claim.task), claim.epoch)) || ok({ steer: this.steer });
      }
      case "accept": {
        const body = claimApi.AcceptRequest.parse(raw);
        const row = this.row(body.task);
        this.beforeAccept();
        return stale(row, body.epoch) ?? ok(this.#accept(row, body.commit));
      }
      case "release": {
        const body = claimApi.ReleaseRequest.parse(raw);
        const row = this.row(body.task);
        const refused = stale(row, body.epoch);
        if (refused) return refused;
        if (body.failed) row.tries += 1;
        row.reason = body.reason;
        if (body.fault) row.faults += 1;
        row.status = body.failed || this.steer === "stop" || row.faults >= this.mostFaults ? "blocked" : "pending";
        return ok({ status: row.status, tries: row.tries });
      }
      case "verified":
        this.verified = reportApi.VerifiedRequest.parse(raw);
        return ok({ state: "verified" });
      case "unverified":
        this.unverified.push(reportApi.UnverifiedRequest.parse(raw));
        return ok({});
      default:
        return { status: 404, body: {} };
    }
  }

  #grant(row: Row): claimApi.Grant {
    const metadata = { rehearsal: row.rehearsal };
    const task = { id: row.id, subject: row.subject, description: "", blockedBy: [], metadata };
    return {
      task,
      epoch: row.epoch,
      tip: this.tip,
      check: row.check ?? null,
      timeoutSeconds: row.timeoutSeconds ?? 20,
      delivered: [],
    };
  }

  #accept(row: Row, commit: string): claimApi.AcceptReply {
    const tip = this.tip;
    try {
      const tree = gitIn(this.repo, "merge-tree", "--write-tree", "--name-only", tip, commit).split("\n")[0]!;
      const onTip = gitIn(this.repo, "merge-base", tip, commit) === tip;
      const merged = onTip ? commit : gitIn(this.repo, "commit-tree", tree, "-p", tip, "-p", commit, "-m", "merge");
      gitIn(this.repo, "update-ref", `refs/heads/${this.branch}`, merged, tip);
    } catch {
      return { kind: "conflict", tip, files: ["shared.txt"] };
    }
    row.status = "accepted";
    row.commit = commit;
    return { kind: "accepted", tip: this.tip };
  }

  #git(req: IncomingMessage, res: ServerResponse, url: URL): void {
    const backend = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: this.repo,
        GIT_HTTP_EXPORT_ALL: "1",
        GIT_PROTOCOL: String(req.headers["git-protocol"] ?? ""),
        PATH_INFO: url.pathname.replace("/git/abc123", ""),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: req.method,
        CONTENT_TYPE: req.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: String(req.headers["content-encoding"] ?? ""),
        REMOTE_USER: "ship-0",
      },
    });
    req.pipe(backend.stdin);
    const chunks: Buffer[] = [];
    backend.stdout.on("data", (chunk) => chunks.push(chunk));
    backend.once("close", () => {
      const out = Buffer.concat(chunks);
      const cut = out.indexOf("\r\n\r\n");
      const headers = out
        .subarray(0, cut)
        .toString()
        .split("\r\n")
        .map((line) => line.split(": ") as [string, string]);
      const status = Number(headers.find(([name]) => name === "Status")?.[1].split(" ")[0] ?? 200);
      res.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== "Status")));
      res.end(out.subarray(cut + 4));
    });
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

function send(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { "content-type": "application/json" });
  res.end(JSON.stringify(body));
}
