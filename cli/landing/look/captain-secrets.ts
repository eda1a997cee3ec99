import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { harborInfoFile, ocaptainHome } from "../../../lib/base/paths.ts";
import { PROJECT } from "../../../lib/base/program-file.ts";
import { plain } from "../../../lib/base/text.ts";
import { sourcePath } from "../../../lib/git/voyage-repo.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import { stackOf } from "../../sail/stack.ts";
import type { Secret } from "./planted.ts";

/** The secrets of a captain, as far as they could be read; `unknown` says which could not. */
export type CaptainSecrets = { secrets: Secret[]; unknown: string[] };

/** The names of variables whose values are secrets, as people and programs call them. */
const SECRET_NAME = /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)$/i;
/** What such a variable holds, too, and is none: a path, a number, a word that switches something. */
const NO_SECRET = /^([\d.]+|[~./].*|[a-z]{1,12}|[A-Z]{1,12})$/;
/** A part of an address is a secret when it is as long as one. */
const LEAST_OF_ADDRESS = 16;

/**
 * Collects what this captain's programs know and nobody else may: from the environment, `.env` files of the project,
 * the home and the repository, the files of the voyage and of ocaptain, and the stack's own settings, which Pulumi
 * decrypts.
 */
export async function captainSecrets(voyage: KnownVoyage, env: NodeJS.ProcessEnv = process.env): Promise<CaptainSecrets> {
  const { file, folder } = voyage;
  const address = file.repository?.address ?? "";
  const places = [PROJECT, file.sailedFrom?.project, homedir(), quietly(() => sourcePath(address)), process.cwd()];
  const inFiles = await Promise.all(
    [...new Set(places.filter((place) => place !== undefined))].map((place) => variablesOf(join(place, ".env"))),
  );
  const [harbor, provider, notices, passphrase, stack] = await Promise.all([
    readFile(harborInfoFile(), "utf8").then(textsIn, none),
    readFile(folder.credentials, "utf8").then(textsIn, none),
    readFile(folder.notify, "utf8").then(textsIn, none),
    readFile(env.PULUMI_CONFIG_PASSPHRASE_FILE ?? join(ocaptainHome(), "pulumi", "passphrase"), "utf8").then(
      (text) => [text.trim()],
      none,
    ),
    ofStack(voyage),
  ]);
  const named = (name: string, values: readonly string[]) => values.map((value): Secret => ({ name, value }));
  const secrets = [
    ...[env, ...inFiles].flatMap(secretsAmong),
    ...named("harbor's token", harbor.filter(isToken)),
    ...named("provider's token", provider.filter(isToken)),
    ...named("address or key of notices", notices.flatMap(partsOf)),
    ...named("Pulumi passphrase", passphrase),
    ...stack.secrets,
  ];
  return { secrets: [...new Map(secrets.map((secret) => [secret.value, secret])).values()], unknown: stack.unknown };
}

const none = (): string[] => [];

const variablesOf = (path: string): Promise<NodeJS.ProcessEnv> =>
  readFile(path, "utf8").then(
    (text) => parseEnv(text) as NodeJS.ProcessEnv,
    () => ({}),
  );

const secretsAmong = (variables: NodeJS.ProcessEnv): Secret[] =>
  Object.entries(variables).flatMap(([name, value = ""]) =>
    SECRET_NAME.test(name) && !NO_SECRET.test(value.trim()) ? [{ name, value: value.trim() }] : [],
  );

/** The secrets among the stack's settings; Pulumi shows them to whoever has its passphrase. */
async function ofStack({ file }: KnownVoyage): Promise<CaptainSecrets> {
  if (!file.sailedFrom)
    return { secrets: [], unknown: ["the stack's own secrets: it is not known from where the voyage was sailed"] };
  try {
    const stack = await stackOf(file);
    const { stdout } = await stack.pulumi(["config", "--show-secrets", "--json"]);
    const settings = JSON.parse(stdout) as Record<string, { value?: string; secret?: boolean }>;
    const secrets = Object.entries(settings).flatMap(([name, { value = "", secret }]) =>
      secret
        ? (name === "ocaptain:notify" ? textsIn(value).flatMap(partsOf) : [value]).map((each): Secret => ({ name, value: each }))
        : [],
    );
    return { secrets, unknown: [] };
  } catch (error) {
    return {
      secrets: [],
      unknown: [`the stack's own secrets: ${plain(error instanceof Error ? error.message : String(error), { most: 300 })}`],
    };
  }
}

/** All texts of a JSON value, however deep. */
function textsIn(json: string): string[] {
  const texts = (value: unknown): string[] =>
    typeof value === "string" ? [value] : value !== null && typeof value === "object" ? Object.values(value).flatMap(texts) : [];
  return quietly(() => texts(JSON.parse(json))) ?? [];
}

/** An address by which one may send has its secret in its path or behind it. */
function partsOf(text: string): string[] {
  if (!/^https?:\/\//.test(text)) return isToken(text) ? [text] : [];
  return text
    .split(/[/?&=#]/)
    .filter((part) => part.length >= LEAST_OF_ADDRESS && isToken(part) && !/^[\w-]+(\.[\w-]+)+$/.test(part));
}

const isToken = (text: string) => text.length >= LEAST_OF_ADDRESS && !/^https?:\/\/|\s/.test(text);

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
