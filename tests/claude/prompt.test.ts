import { expect, test } from "vitest";
import { renderPrompt, renderResume, renderRules } from "../../crew/hands/claude/prompt.ts";
import type { Grant } from "../../lib/protocol/ship-claims.ts";

const who = { ship: "ship-2", voyage: "Harbour lights" };
const grant: Grant = {
  task: {
    id: "7",
    subject: "Light the lamp",
    description: "Fill it with oil.\nThen light it.\n",
    blockedBy: ["3"],
    metadata: {},
  },
  epoch: 2,
  tip: "b".repeat(40),
  check: "grep -q lit lamp.txt",
  timeoutSeconds: 600,
  delivered: [{ task: "3", subject: "Build the lamp", commit: "a".repeat(40), summary: "built it; 2 files changed" }],
  spec: "# Harbour lights\n\nEvery lamp is lit at night.\n",
  hand: { model: "opus" },
  answers: [{ question: "Whale oil?", answer: "No, electric." }],
  lastReason: "the check failed\n```\nnot lit\n```",
};

test("the prompt tells the task, its check, what blockers delivered, the captain's answers, an earlier try, the spec", () => {
  expect(renderPrompt(grant, who)).toMatchSnapshot();
});

test("a task with nothing around it has a prompt without empty headings", () => {
  const { spec: _spec, answers: _answers, lastReason: _reason, ...bare } = grant;
  expect(renderPrompt({ ...bare, check: null, delivered: [] }, who)).toMatchSnapshot();
});

test("the rules tell how to finish, how to say that it is blocked, and how to ask the captain", () => {
  expect(renderRules(who, "7")).toMatchSnapshot();
  expect(renderResume(grant, "the crew was started again")).toMatchSnapshot();
});
