import type { Conversation, Turn } from "./stand-in-api.ts";

/** Turns of a scripted model, for the stand-in of the Messages API (stand-in-api.ts). */

export const bash = (command: string): Turn => ({ tools: [{ name: "Bash", input: { command, description: "work" } }] });
export const update = (taskId: string, input: Record<string, unknown>): Turn => ({
  tools: [{ name: "TaskUpdate", input: { taskId, ...input } }],
});
export const complete = (taskId: string, summary = `wrote out/${taskId}`): Turn =>
  update(taskId, { status: "completed", metadata: { summary } });

/** Plays one turn after the other, counted by the tool results so far, and repeats the last one for ever. */
export const steps =
  (...turns: (Turn | ((talk: Conversation) => Turn))[]) =>
  (talk: Conversation): Turn => {
    const turn = turns[Math.min(talk.results.length, turns.length - 1)]!;
    return typeof turn === "function" ? turn(talk) : turn;
  };

/** A model that does its task at once: it writes `out/<id>`, completes the task and ends. */
export const diligent = (talk: Conversation): Turn =>
  steps(bash(`mkdir -p out; echo ${talk.task} >> out/${talk.task}`), complete(talk.task), { text: `Task ${talk.task} is done.` })(
    talk,
  );
