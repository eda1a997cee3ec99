import { expect, test } from "vitest";
import { explain, OcaptainError } from "../../lib/base/errors.ts";
import { fromElsewhere, onStack } from "../../lib/base/hints.ts";

test.each([
  ["pulumi up", "pulumi up -s quay"],
  ["pulumi up  # again", "pulumi up -s quay  # again"],
  ["pulumi up -s other", "pulumi up -s other"],
  ["pulumi up -s other && pulumi destroy", "pulumi up -s other && pulumi destroy -s quay"],
  ["pulumi up; or pulumi config rm ocaptain:adopt -s other", "pulumi up -s quay; or pulumi config rm ocaptain:adopt -s other"],
  [
    "pulumi config set --secret ocaptain:spritesToken  # unseen",
    "pulumi config set --secret ocaptain:spritesToken -s quay  # unseen",
  ],
  ["pulumi config set ocaptain:captainNode own", "pulumi config set ocaptain:captainNode own -s quay"],
  ["is its URL right? pulumi up goes on", "is its URL right? pulumi up -s quay goes on"],
  ["pulumi destroy --run-program", "pulumi destroy -s quay --run-program"],
  ["another stack: pulumi stack init", "another stack: pulumi stack init"],
  ["ocaptain status", "ocaptain status"],
])("%j at the stack quay is %j", (hint, named) => {
  expect(onStack(hint, "quay")).toBe(named);
});

test.each([
  ["pulumi up -s quay", "pulumi -C /opt/oc up -s quay"],
  ["npm run harbor -- --stop; pulumi up -s quay", "npm --prefix /opt/oc run harbor -- --stop; pulumi -C /opt/oc up -s quay"],
  ["npm run setup && . .tools/env.sh", "npm --prefix /opt/oc run setup && . /opt/oc/.tools/env.sh"],
  ["ocaptain logs quay", "ocaptain logs quay"],
])("%j from another folder is %j", (hint, there) => {
  expect(fromElsewhere(hint, "/opt/oc")).toBe(there);
});

test("a checkout whose path a shell would take apart is quoted", () => {
  expect(fromElsewhere("pulumi up", "/it's here")).toBe("pulumi -C '/it'\\''s here' up");
});

test("an error is explained with the stack that it is about in its hint, and not in what it quotes", () => {
  const error = new OcaptainError("SPRITE_GONE", "pulumi up has lost it", { hint: "pulumi up" });
  expect(explain(error, "quay")).toBe("pulumi up has lost it\n  hint: pulumi up -s quay");
});
