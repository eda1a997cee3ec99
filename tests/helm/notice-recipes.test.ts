import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { deliver } from "../../helm/notices/deliver.ts";
import { signatureOf } from "../../helm/notices/signature.ts";
import { NOTICE_EVENTS, type Notice } from "../../lib/notices/events.ts";
import { type NoticeTarget, NotifySetting } from "../../lib/notices/targets.ts";
import { scratchFolder } from "./paper.ts";

/** These tests take the recipes of docs/notices.md as they stand there, and look at what a receiver here gets. */

const PAGE = readFileSync(resolve(import.meta.dirname, "../../docs/notices.md"), "utf8");

/** The code blocks of a language under a heading of the page. */
function blocks(heading: string, language: string): string[] {
  const section = PAGE.split(/^(?=##+ )/m).find((each) => each.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, code = ""]) => code);
}

/** The longest notice that there can be, with words of an agent that mean something to each service. */
const LONG: Notice = {
  id: "abc123-7-opened",
  occurrence: "abc123-7",
  state: "opened",
  event: "task-asked",
  voyage: "abc123",
  stack: "voyage-abc",
  of: "3",
  title: `over: ${"t".repeat(150)}…`,
  message: `"@everyone" <!channel> $(touch x) \\n ${"m".repeat(263)}…`,
  detail: `.\nQUIT\n${"d".repeat(893)}…`,
  hint: `ocaptain answer '#3' ${"h".repeat(279)}…`,
  link: "http://127.0.0.1:40321/#sea",
  since: "2026-11-28T10:00:00.000Z",
  at: "2026-11-28T10:00:00.000Z",
};

let scratch: ReturnType<typeof scratchFolder>;
let origin: string;
const got: { path: string; type: string; body: unknown }[] = [];
const server = createServer(async (request, response) => {
  got.push({
    path: request.url ?? "",
    type: request.headers["content-type"] ?? "",
    body: JSON.parse(await text(request)),
  });
  response.writeHead(204).end();
});
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  scratch = scratchFolder();
  vi.stubEnv("HOME", scratch.folder);
  got.length = 0;
});
afterEach(() => {
  vi.unstubAllEnvs();
  scratch.remove();
});

const send = (target: NoticeTarget) =>
  deliver(target, LONG, {
    workspace: scratch.folder,
    wallMs: Date.now,
    signal: new AbortController().signal,
    waitsMs: [],
  });

/** Sends by the recipe for a service, to this machine instead; returns what came. */
async function posted(heading: string) {
  const [recipe = ""] = blocks(heading, "json");
  const [target] = NotifySetting.parse(recipe);
  const url = new URL(target!.url!);
  expect(await send({ ...target!, url: `${origin}${url.pathname}` })).toMatchObject({ status: 204 });
  expect(got).toMatchObject([{ path: url.pathname, type: "application/json" }]);
  return { url, body: got[0]!.body };
}

const TEXT = `${LONG.message}\n\n${LONG.detail}\n\n${LONG.hint}`;

test("ntfy: JSON is posted to the server's root, with a topic, and within the 4,096 bytes of a message", async () => {
  const { url, body } = await posted("### ntfy");
  expect(url.pathname).toBe("/");
  const Publish = z.strictObject({
    topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/),
    title: z.string(),
    message: z.string().refine((message) => Buffer.byteLength(message) <= 4_096),
    tags: z.array(z.string()),
  });
  expect(Publish.parse(body)).toMatchObject({ title: LONG.title, message: TEXT });
});

test("Slack: blocks of plain text within 3,000 characters, and nothing of an agent's where marks count", async () => {
  const { body } = await posted("### Slack");
  const Message = z.strictObject({
    text: z.string().min(1),
    blocks: z.array(
      z.strictObject({
        type: z.literal("section"),
        text: z.strictObject({ type: z.literal("plain_text"), text: z.string().min(1).max(3_000) }),
      }),
    ),
  });
  const message = Message.parse(body);
  expect(message.text).toBe("voyage-abc: task-asked");
  expect(message.blocks[0]!.text.text).toBe(`${LONG.title}\n\n${TEXT}`);
});

test("Discord: content within 2,000 characters, that mentions nobody", async () => {
  const { body } = await posted("### Discord");
  const Message = z.strictObject({
    content: z.string().min(1).max(2_000),
    allowed_mentions: z.strictObject({ parse: z.tuple([]) }),
  });
  expect(Message.parse(body).content).toBe(`**${LONG.title}**\n${TEXT}`);
});

/** Puts a program into the PATH that writes down its arguments, a line each. */
function standIn(program: string): () => string[] {
  const folder = join(scratch.folder, "bin");
  mkdirSync(folder, { recursive: true });
  const out = join(scratch.folder, `${program}.args`);
  writeFileSync(join(folder, program), `#!/bin/sh\nprintf '%s\\n' "$@" > '${out}'\n`);
  chmodSync(join(folder, program), 0o755);
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
  return () => readFileSync(out, "utf8").trimEnd().split("\n");
}

test("desktop: notify-send and osascript get title and message as one argument each, and no text is a script", async () => {
  const [linux = "", mac = ""] = blocks("### Desktop", "sh");
  const byLinux = standIn("notify-send");
  expect(await send({ command: linux })).toMatchObject({ status: 0 });
  expect(byLinux()).toEqual(["--app-name=ocaptain", "--", LONG.title, LONG.message]);
  const byMac = standIn("osascript");
  expect(await send({ command: mac })).toMatchObject({ status: 0 });
  expect(byMac()).toEqual([
    "-e",
    "on run argv",
    "-e",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "-e",
    "end run",
    "--",
    LONG.title,
    LONG.message,
  ]);
});

/** A mail server of this machine that takes one mail. */
async function mailServer() {
  const lines: string[] = [];
  const mail = createTcpServer((socket) => {
    let rest = "";
    let isData = false;
    socket.write("220 here\r\n");
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      const parts = (rest + chunk).split("\r\n");
      rest = parts.pop() ?? "";
      for (const line of parts) {
        lines.push(line);
        if (isData && line !== ".") continue;
        isData = line === "DATA";
        socket.write(isData ? "354 go on\r\n" : line === "QUIT" ? "221 bye\r\n" : "250 ok\r\n");
        if (line === "QUIT") socket.end();
      }
    });
  });
  mail.listen(0, "127.0.0.1");
  await once(mail, "listening");
  return { url: `smtp://127.0.0.1:${(mail.address() as AddressInfo).port}`, lines, close: () => mail.close() };
}

test("mail: one mail with a subject and the notice's paragraphs; no line of an agent's ends it", async () => {
  const [recipe = ""] = blocks("### Mail", "sh");
  const mail = await mailServer();
  try {
    expect(recipe).toContain("smtps://smtp.example.com");
    expect(await send({ command: recipe.replace("smtps://smtp.example.com", mail.url) })).toMatchObject({ status: 0 });
  } finally {
    mail.close();
  }
  const data = mail.lines.indexOf("DATA");
  const end = mail.lines.indexOf(".", data);
  const [head, ...body] = mail.lines
    .slice(data + 1, end)
    .join("\n")
    .split("\n\n");
  expect(mail.lines.slice(0, data)).toEqual([
    expect.stringMatching(/^EHLO /),
    expect.stringMatching(/^MAIL FROM:<you@example\.com>/),
    "RCPT TO:<you@example.com>",
  ]);
  expect(head!.split("\n")).toContain(`Subject: ${LONG.title}`);
  // A line that begins with a dot has another one before it on its way.
  expect(body.map((each) => each.replaceAll(/^\./gm, "").trim()).filter(Boolean)).toEqual([LONG.message, LONG.detail, LONG.hint]);
  expect(mail.lines.slice(end)).toEqual([".", "QUIT"]);
});

test("the page's function knows a signature as genuine, and neither another body nor secret, nor an old time", async () => {
  const [code = ""] = blocks("## Signature", "js");
  const file = join(scratch.folder, "genuine.mjs");
  writeFileSync(file, code);
  const { isGenuine } = (await import(pathToFileURL(file).href)) as {
    isGenuine: (signature: string, body: string, secret: string) => boolean;
  };
  const secret = "0123456789abcdef";
  const signature = signatureOf("{}", secret, Date.now());
  expect(isGenuine(signature, "{}", secret)).toBe(true);
  expect(isGenuine(signature, "{ }", secret)).toBe(false);
  expect(isGenuine(signature, "{}", `${secret}0`)).toBe(false);
  expect(isGenuine(signatureOf("{}", secret, Date.now() - 301_000), "{}", secret)).toBe(false);
  expect(isGenuine("v1=", "{}", secret)).toBe(false);
});

test("the page names every event, and no other; its notice has all fields", () => {
  const section = PAGE.split(/^(?=## )/m).find((each) => each.startsWith("## Events")) ?? "";
  expect([...section.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, event]) => event)).toEqual(Object.keys(NOTICE_EVENTS));
  expect(Object.keys(JSON.parse(blocks("## A notice", "json")[0]!) as object).sort()).toEqual(Object.keys(LONG).sort());
});
