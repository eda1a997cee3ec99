import fc from "fast-check";
import jsonc from "jsonc-parser";
import { expect, test } from "vitest";
import { mergePolicy, renderHeadscalePolicy, unmergePolicy } from "../../lib/tailnet/policy/policy.ts";
import { policyRules } from "../../lib/tailnet/policy/policy-rules.ts";

const RULES = policyRules("tailscale", ["you@example.com"]);
const read = (text: string) => jsonc.parse(text, [], { allowTrailingComma: true });

/** Merges rules into a policy that must be taken. */
function merged(text: string, rules = RULES, options = {}) {
  const result = mergePolicy(text, rules, options);
  if ("refused" in result) throw new Error(result.refused.join("\n"));
  return result;
}
const refused = (text: string, rules = RULES) => {
  const result = mergePolicy(text, rules);
  return "refused" in result ? result.refused.join("\n") : `not refused: ${result.text}`;
};
const unmerged = (text: string) => {
  const result = unmergePolicy(text);
  if ("refused" in result) throw new Error(result.refused.join("\n"));
  return result.text;
};

const OTHERS = `// Our company's tailnet
{
	"groups": {"group:eng": ["a@example.com"]}, // who
	"tagOwners": {
		"tag:web": ["group:eng"],
	},
	/* ports of the web */
	"grants": [
		{"src": ["group:eng"], "dst": ["tag:web"], "ip": ["443"]}, // https
	],
	"ssh": []
}
`;

test("our rules come, each where it belongs, with a comma of their own; the diff is what comes; others' lines and comments stay", () => {
  const { text, diff, notes } = merged(OTHERS);
  expect(read(text)).toEqual({
    groups: { "group:eng": ["a@example.com"] },
    tagOwners: {
      "tag:ocaptain-ship": ["you@example.com"],
      "tag:ocaptain-captain": ["you@example.com"],
      "tag:web": ["group:eng"],
    },
    grants: [
      { src: ["you@example.com", "tag:ocaptain-captain"], dst: ["tag:ocaptain-ship"], ip: ["*"] },
      { src: ["tag:ocaptain-ship"], dst: ["you@example.com", "tag:ocaptain-captain"], ip: ["tcp:4318"] },
      { src: ["group:eng"], dst: ["tag:web"], ip: ["443"] },
    ],
    ssh: [
      {
        action: "accept",
        src: ["you@example.com", "tag:ocaptain-captain"],
        dst: ["tag:ocaptain-ship"],
        users: ["root", "autogroup:nonroot"],
      },
    ],
  });
  for (const line of OTHERS.split("\n").filter((line) => !line.includes("ssh"))) expect(text).toContain(line);
  expect(diff.split("\n")).toHaveLength(5);
  expect(diff).toContain(
    '+ {"src": ["tag:ocaptain-ship"], "dst": ["you@example.com", "tag:ocaptain-captain"], "ip": ["tcp:4318"]},',
  );
  expect(notes).toEqual([]);
  expect(merged(text)).toEqual({ text, diff: "", notes: [] });
  expect(unmerged(text)).toBe(OTHERS);
});

/**
 * Policies as people and editors leave them: with sections there or not, in any case of letters, with comments and
 * commas in odd places, on one line or on many.
 */
const gap = fc.constantFrom("", " ", "\n\t", "\r\n  ", " /* why */ ", "\n// said /* so */\n", "\n\n");
const joined = (items: fc.Arbitrary<string>[], [left, right]: string) =>
  fc
    .tuple(fc.tuple(...items), fc.array(gap, { minLength: 3, maxLength: 3 }), fc.boolean())
    .map(
      ([texts, gaps, comma]) =>
        `${left}${gaps[0]}${texts.join(`,${gaps[1]}`)}${comma && texts.length > 0 ? "," : ""}${gaps[2]}${right}`,
    );
const text = fc.stringMatching(/^[a-z0-9 @./*"\\-]{1,12}$/).map((some) => JSON.stringify(`x${some}`));
const rule = text.map((from) => `{"src": [${from}], "dst": [${from}], "ip": ["443"]}`);
const list = (of: fc.Arbitrary<string>) =>
  fc.integer({ min: 0, max: 3 }).chain((n) =>
    joined(
      Array.from({ length: n }, () => of),
      "[]",
    ),
  );
const record = fc.uniqueArray(text, { maxLength: 3 }).chain((keys) =>
  joined(
    keys.map((key) => text.map((value) => `${key}: [${value}]`)),
    "{}",
  ),
);
const policy = fc
  .record(
    {
      tagOwners: record,
      grants: list(rule),
      ACLs: list(text.map((from) => `{"action": "accept", "users": [${from}], "ports": [${from}]}`)),
      ssh: list(text.map((to) => `{"action": "check", "src": ["autogroup:member"], "dst": [${to}]}`)),
      hosts: record,
      derpMap: fc.constantFrom("null", '{"/* ocaptain end */": 1}'),
    },
    { requiredKeys: [] },
  )
  .chain((sections) => {
    const parts = Object.entries(sections).map(([key, value]) => fc.constant(`"${key}": ${value}`));
    return fc.tuple(gap, joined(parts, "{}"), gap).map((pieces) => pieces.join(""));
  });
const captains = fc.uniqueArray(fc.constantFrom("a@example.com", "b@example.com", "group:eng"), { maxLength: 3 });

test("whatever the policy: merging twice is merging once, others' rules keep their values, taking out gives every byte back", () => {
  fc.assert(
    fc.property(policy, captains, captains, fc.constantFrom("tailscale", "headscale"), (before, first, second, dialect) => {
      const rules = policyRules(dialect as "tailscale", first);
      const once = merged(before, rules).text;
      expect(merged(once, rules)).toMatchObject({ text: once, diff: "" });
      expect(unmerged(once)).toBe(before);
      // The result is the same as if the captains had been these from the beginning.
      const others = policyRules(dialect as "tailscale", second);
      expect(merged(once, others).text).toBe(merged(before, others).text);

      const [was, is] = [read(before), read(once)];
      for (const [key, value] of Object.entries<Record<string, unknown>>(was)) {
        const rest = Array.isArray(value)
          ? is[key].slice(-value.length || is[key].length)
          : Object.fromEntries(Object.entries(is[key] ?? {}).filter(([name]) => !name.startsWith("tag:ocaptain-")));
        expect(rest).toEqual(value ?? {});
      }
      const mine = (part: Record<string, string[]>) => Object.keys(part ?? {}).filter((name) => name.startsWith("tag:ocaptain-"));
      expect(mine(is.tagOwners ?? is.TagOwners)).toEqual(["tag:ocaptain-ship", "tag:ocaptain-captain"]);
    }),
    { numRuns: 300 },
  );
});

test("blanks and commas set anew by an editor, and a rule that a person put before ours, are no change by hand", () => {
  const { text } = merged(OTHERS);
  const tidied = text.replaceAll("\t\t", "      ").replace('"ip": ["*"]},', '"ip": [\n "*" ]\n},');
  expect(merged(tidied).diff).toBe("");
  expect(merged(tidied).text).toBe(tidied);
  const before = text.replace('"grants": [', '"grants": [\n\t\t{"src": ["group:eng"], "dst": ["group:eng"], "ip": ["22"]},');
  expect(merged(before)).toMatchObject({ text: before, diff: "" });
});

test.each<[string, string, RegExp]>([
  ["no policy", "[]", /not an object/],
  ["half a policy", '{"grants": [', /line 1: /],
  [
    "a tag that is somebody's",
    '{"tagOwners": {"tag:ocaptain-ship": ["x@example.com"]}}',
    /tagOwners has tag:ocaptain-ship already/,
  ],
  [
    "the allow-all that a new tailnet has",
    '{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}',
    /grants\[0\] is for "\*", so ships reach more.*autogroup:member/,
  ],
  ["allow-all in old words", '{"ACLs": [{"Action": "accept", "Users": ["*"], "Ports": ["*:*"]}]}', /acls\[0\] is for "\*"/],
  ...["autogroup:danger-all", "::/0", "fd7a:115c:a1e0::/48"].map((from): [string, string, RegExp] => [
    `allow-all as ${from}`,
    JSON.stringify({ grants: [{ src: [from], dst: ["*"], ip: ["*"] }] }),
    /grants\[0\] is for ".*so ships reach more/,
  ]),
  [
    "a rule for ships by somebody else",
    '{"grants": [{"src": ["tag:ocaptain-ship"], "dst": ["tag:db"], "ip": ["5432"]}]}',
    /grants\[0\]/,
  ],
  ["a section of another shape", '{"ssh": {}}', /section "ssh" is no array/],
  ["a section twice", '{"acls": [], "ACLs": []}', /section "acls" is there twice/],
])("refused, untouched: %s", (_what, text, why) => {
  expect(refused(text)).toMatch(why);
});

test("what we wrote and somebody changed by hand is refused, with its line; so is half of it", () => {
  const { text } = merged(OTHERS);
  expect(refused(text.replace("tcp:4318", "tcp:4319"))).toMatch(/^line 1[0-9]: what ocaptain wrote there was changed by hand/);
  expect(refused(text.replace("/* ocaptain end */", ""))).toMatch(/line \d+: one end of what ocaptain wrote is missing/);
  expect(unmergePolicy(text.replace('"autogroup:nonroot"', '"admin"'))).toMatchObject({
    refused: [expect.stringMatching(/changed by hand/)],
  });
});

test("allowOpen makes the open tailnet a note; another way to ships is one always", () => {
  const open =
    '{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}, {"src": ["group:eng"], "dst": ["tag:ocaptain-ship"], "ip": ["22"]}]}';
  expect(merged(open, RULES, { allowOpen: true }).notes).toEqual([
    expect.stringMatching(/grants\[0\] is for "\*"/),
    expect.stringMatching(/grants\[1\].*leads to ships too/),
  ]);
});

test("a Headscale of ocaptain's own: the same rules in its words", () => {
  expect(read(renderHeadscalePolicy(["you@"]))).toEqual({
    tagOwners: { "tag:ocaptain-ship": ["you@"], "tag:ocaptain-captain": ["you@"] },
    acls: [
      { action: "accept", src: ["you@", "tag:ocaptain-captain"], dst: ["tag:ocaptain-ship:*"] },
      { action: "accept", src: ["tag:ocaptain-ship"], proto: "tcp", dst: ["you@:4318", "tag:ocaptain-captain:4318"] },
    ],
    ssh: [
      {
        action: "accept",
        src: ["you@", "tag:ocaptain-captain"],
        dst: ["tag:ocaptain-ship"],
        users: ["root", "autogroup:nonroot"],
      },
    ],
  });
});
