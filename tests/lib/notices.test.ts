import { expect, test } from "vitest";
import { checkInput } from "../../lib/base/check-input.ts";
import type { Notice } from "../../lib/notices/events.ts";
import { labelOf, NotifySetting } from "../../lib/notices/targets.ts";
import { fill } from "../../lib/notices/template.ts";

const notice: Notice = {
  id: "abc123-7-opened",
  occurrence: "abc123-7",
  state: "opened",
  event: "task-asked",
  voyage: "abc123",
  stack: "sea",
  of: "3",
  title: "sea: task 3 asks",
  message: 'task 3 ("Logo") asks, from ship-0',
  detail: 'Red?\n", "admin": true, "x": "{{hint}} \\',
  hint: "ocaptain answer '#3' -",
  link: "http://127.0.0.1:40321/#sea",
  since: "2026-11-28T10:00:00.000Z",
  at: "2026-11-28T10:00:00.000Z",
};

/** The findings of a setting, field and message. */
function findings(value: unknown): string[] {
  const checked = checkInput(NotifySetting, typeof value === "string" ? value : JSON.stringify(value), { quotes: false });
  return "problems" in checked ? checked.problems.map(({ field, message }) => `${field}: ${message}`) : [];
}

test("all that is wrong with the targets is found at once, with index and field, and nothing of them is quoted", () => {
  const found = findings([
    { url: "hooks.example.com/s3cr3t" },
    { url: "https://ann:s3cr3t@example.com/" },
    { url: "https://example.com/s3cr3t", command: "notify s3cr3t" },
    { events: ["task-asked"] },
    { url: "https://example.com/s3cr3t", events: ["task-ask", "s3cr3t"] },
    { url: "https://example.com/s3cr3t", headers: { "Content-Length": "s3cr3t", "X Y": "s3cr3t", Z: "s3cr3t\r\nA: b" } },
    { url: "https://example.com/s3cr3t", body: "{{titel}} {{s3}}" },
    { url: "https://example.com/s3cr3t", body: '{"text": {{text}}}' },
    { url: "https://example.com/s3cr3t", secret: "s3cr3t", againMinutes: -1 },
    { command: "notify s3cr3t", secret: "s3cr3t-s3cr3t-s3cr3t", body: "{{text}}" },
    { ulr: "https://example.com/s3cr3t" },
    "https://example.com/s3cr3t",
  ]);
  expect(found.join("\n")).not.toContain("s3cr3t");
  expect(found).toEqual([
    "[0].url: must be a URL that begins with https:// or http://",
    "[1].url: holds a user or a password before its host, which no client sends: give an Authorization in headers",
    "[2]: must have a url or a command, and not both",
    "[3]: must have a url or a command, and not both",
    expect.stringMatching(/^\[4\]\.events\[0\]: must be one of task-asked, .*, and is text; did you mean task-asked\?$/),
    expect.stringMatching(/^\[4\]\.events\[1\]: must be one of .*, and is text$/),
    "[5].headers.Content-Length: is a header that the helm sets itself",
    "[5].headers.X Y: is no header that can be sent: a name without spaces, and one line",
    "[5].headers.Z: is no header that can be sent: a name without spaces, and one line",
    "[6].body: has no field {{titel}}; did you mean {{title}}?",
    expect.stringMatching(/^\[6\]\.body: has no field \{\{s3\}\}; there are id, /),
    expect.stringMatching(/^\[7\]\.body: begins like JSON and is none/),
    "[8].secret: must have at least 16 characters, and has 6",
    "[8].againMinutes: must be at least 0, and is -1",
    "[9].body: is of use with a url alone",
    "[9].secret: is of use with a url alone",
    "[10].ulr: unknown; did you mean url?",
    "[10]: must have a url or a command, and not both",
    "[11]: must be an object, {...}, and is text",
  ]);
});

test("a setting that is no list says how one looks; a target's name holds no more than the origin of its URL", () => {
  expect(findings("https://example.com/s3cr3t")).toEqual([expect.stringMatching(/^: must be a list in JSON, such as \[\{"url"/)]);
  expect(findings({ url: "https://example.com/s3cr3t" })).toEqual([": must be a list, [...], and is an object"]);
  expect(labelOf({ url: "https://example.com:8443/s3cr3t?s3cr3t" }, 3)).toBe("notify[3] (https://example.com:8443)");
  expect(labelOf({ command: "s3cr3t" }, 0)).toBe("notify[0] (command)");
});

test.each([
  ["a text of JSON", '{"text": "{{title}}: {{detail}}", "n": [1, {"x": "{{of}}"}]}'] as const,
  ["an object, as --path makes it", { text: "{{title}}: {{detail}}", n: [1, { x: "{{ of }}" }] }] as const,
])("a template that is %s stays JSON of its own shape, whatever an agent has written", (_, template) => {
  const { body, isJson } = fill(template as never, notice);
  expect(isJson).toBe(true);
  expect(JSON.parse(body)).toEqual({ text: `sea: task 3 asks: ${notice.detail}`, n: [1, { x: "3" }] });
});

test("any other template takes the fields as they are; without one the body is the whole notice", () => {
  expect(fill("{{title}}\n\n{{text}}", notice)).toEqual({
    body: `sea: task 3 asks\n\n${notice.message}\n\n${notice.detail}\n\n${notice.hint}`,
    isJson: false,
  });
  expect(JSON.parse(fill(undefined, notice).body)).toEqual(notice);
});
