import type { HttpRequest } from "../../lib/base/http-call.ts";
import { plain } from "../../lib/base/text.ts";
import type { ForgePlace } from "./forge.ts";

type Request = Pick<HttpRequest, "method" | "path">;

/** The fine-grained permission of each kind of call, for a server that does not name it; the first row that fits. */
const NEEDED: readonly [string, RegExp, string][] = [
  ["PUT", /\/merge$/, "Contents: write"],
  ["GET", /\/check-runs/, "Checks: read"],
  ["GET", /\/status/, "Commit statuses: read"],
  ["GET", /\/actions\//, "Actions: read"],
  ["GET", /\/collaborators\//, "Metadata: read"],
  ["GET", /\/pulls/, "Pull requests: read"],
  ["GET", /./, "Contents: read"],
  ["POST", /\/labels$/, "Issues: write"],
];

/** Says which permission a call lacks: of a fine-grained token, and of a classic one. */
export function neededPermission(request: Request, headers: Headers, { web }: ForgePlace): string {
  const { origin } = new URL(web);
  // An organisation with single sign-on wants each token authorized once.
  const authorize = /^required; url=(https:\/\/\S{1,1000})$/.exec(headers.get("x-github-sso") ?? "")?.[1];
  if (authorize && URL.parse(authorize)?.origin === origin)
    return `authorize the token for the organisation's single sign-on: ${authorize}`;
  const said = headers.get("x-accepted-github-permissions");
  const path = request.path.split("?")[0] ?? "";
  const [, , named] = NEEDED.find(([method, fits]) => method === request.method && fits.test(path)) ?? [];
  const fine = said
    ? plain(said, { most: 200 }).replaceAll("=", ": ").replaceAll(/;\s*/g, " or ")
    : (named ?? "Pull requests: write");
  const scopes = plain(headers.get("x-accepted-oauth-scopes") ?? "", { most: 200 }) || "repo";
  return `give the token the permission ${fine} (fine-grained), or the scope ${scopes} (classic): ${origin}/settings/tokens`;
}
