import { z } from "zod";

/**
 * What the captain can be told of, by the names that `events` of a target takes. Each is an *occurrence*: it begins,
 * and all but `verified`, `done` and `budget-low` are told again when they are over.
 */
export const NOTICE_EVENTS = {
  "task-asked": "an agent asks the captain",
  "task-blocked": "a task is blocked",
  "ship-lost": "a ship is lost or fenced, and was not healed",
  "no-progress": "a ship works, and nothing comes of it",
  "ship-unfit": "a ship is given no task, as its hand cannot work",
  "ship-refused": "a ship sends what no crew sends",
  "sync-trouble": "a ship's sync stands still, has conflicts, or leaves something out",
  "budget-low": "80 % of the voyage's budget is spent",
  "budget-spent": "the voyage's budget is spent",
  "usage-limit": "a usage limit holds every ship",
  "verification-failed": "verify.sh has failed",
  verified: "the voyage is verified",
  done: "all tasks are done, and the plan has no verify.sh",
  "ready-to-land": "the voyage is verified, and has not landed",
  "ci-failed": "a check of the voyage's pull request has failed",
  "voyage-stuck": "nothing goes on, and no ship can mend it",
} as const;

export const NoticeEvent = z.enum(Object.keys(NOTICE_EVENTS) as [keyof typeof NOTICE_EVENTS]);
export type NoticeEvent = z.infer<typeof NoticeEvent>;

/**
 * What a notice tells of its occurrence: that it has begun; that it lasts, and nobody took it; that it is over. `test`
 * is of no occurrence.
 */
export type NoticeState = "opened" | "again" | "resolved" | "test";

/** A notice, as a target gets it: the JSON of a body, and the fields of a template. All are texts. */
export type Notice = {
  /** The same for each try, and for one that is sent once more by a helm that died before it had noted the first. */
  id: string;
  /** The same in all notices of one occurrence. */
  occurrence: string;
  state: NoticeState;
  event: NoticeEvent;
  /** The voyage's id, and below the name of its stack. */
  voyage: string;
  stack: string;
  /** Of what: a task's id, a ship's name, a commit, a stack. */
  of: string;
  /** One line: the stack and what it is about. */
  title: string;
  /** One line: what has happened, to which thing. */
  message: string;
  /** More lines, as an agent wrote them; often "". */
  detail: string;
  /** A command that helps, to be pasted; "" where there is none. */
  hint: string;
  /** Where the page shows the voyage, to a browser that was let in; "" while no helm serves it. */
  link: string;
  /** When the occurrence began, and when this notice was made, as ISO 8601. */
  since: string;
  at: string;
};
