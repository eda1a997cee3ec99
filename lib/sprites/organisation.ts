import { z } from "zod";
import { OcaptainError } from "../base/errors.ts";

/**
 * The organisation at sprites.dev that a token belongs to, as far as it is known. A call has no parameter for it: with
 * a token of another organisation every VM is "not found", which must never pass for gone. `id` and `slug` are the
 * token's own first parts, `name` is what a list answers for a token that does not tell.
 */
export const Organisation = z.object({ id: z.string().optional(), slug: z.string().optional(), name: z.string().optional() });
export type Organisation = z.infer<typeof Organisation>;

/**
 * The organisation that a token names: it reads `organisation/its id/token id/secret`. Of another token nothing is
 * guessed.
 */
export function organisationOfToken(token: string | undefined): Organisation {
  const [slug = "", id, ...rest] = (token ?? "").trim().split("/");
  if (id === undefined || !/^[\w.-]{1,100}$/.test(slug)) return {};
  return { slug, ...(rest.length === 2 && /^[\w.-]{1,100}$/.test(id) && { id }) };
}

/**
 * Whether two are the same, by the first of id, slug and name that both tell; an id stays when an organisation is
 * renamed. True when they tell nothing in common.
 */
export function sameOrganisation(a: Organisation, b: Organisation): boolean {
  for (const key of ["id", "slug", "name"] as const) if (a[key] !== undefined && b[key] !== undefined) return a[key] === b[key];
  return true;
}

export const organisationName = ({ slug, name, id }: Organisation) => slug ?? name ?? id ?? "";

/**
 * Checks that a token is of the organisation in which a voyage's VMs were made.
 * @throws OcaptainError ANOTHER_ORGANISATION, naming both
 */
export function assertOrganisation(made: Organisation | undefined, token: Organisation): void {
  if (!made || sameOrganisation(made, token)) return;
  throw new OcaptainError(
    "ANOTHER_ORGANISATION",
    `this voyage's ships were made in the organisation ${organisationName(made)} of sprites.dev, and the token is of ${organisationName(token)}, which knows nothing of them`,
    {
      hint: `a token of ${organisationName(made)}: pulumi config set --secret ocaptain:spritesToken, then pulumi up, or pulumi destroy --run-program; or set SPRITE_TOKEN`,
    },
  );
}

/**
 * Checks that a token is of the organisation that `ocaptain:spritesOrg`, else OCAPTAIN_SPRITES_ORG, means.
 * @throws OcaptainError ANOTHER_ORGANISATION
 */
export function assertMeant(meant: string | undefined, token: Organisation): void {
  const named = [token.slug, token.id, token.name].filter((each) => each !== undefined);
  if (!meant || named.length === 0 || named.includes(meant)) return;
  throw new OcaptainError(
    "ANOTHER_ORGANISATION",
    `the token of sprites.dev is of the organisation ${organisationName(token)}, and ocaptain:spritesOrg (or OCAPTAIN_SPRITES_ORG) says ${meant}`,
    {
      hint: `a token of ${meant}: pulumi config set --secret ocaptain:spritesToken; or, if this one is meant: pulumi config set ocaptain:spritesOrg ${organisationName(token)}`,
    },
  );
}
