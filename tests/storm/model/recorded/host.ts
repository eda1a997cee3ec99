import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

type Bag = { name: string; version?: number; made?: string };

/** What the recording wants of the calls, by `<call> <name>`: to fail, or to find the resource gone. */
const wishes = (): Record<string, "fails" | "gone"> => JSON.parse(readFileSync(process.env.RECORD_WISHES!, "utf8"));

/** Notes the beginning and the end of a call. Each takes a moment, so that calls at the same time are seen to be. */
async function noted<T>(call: string, name: string, answer: T): Promise<T> {
  const what = `${call} ${name}`;
  appendFileSync(process.env.RECORD_FILE!, `begin ${what}\n`);
  await sleep(25);
  appendFileSync(process.env.RECORD_FILE!, `end ${what}\n`);
  if (wishes()[what] === "fails") throw new Error(`${what} is to fail`);
  return answer;
}

export const check = (news: Bag) => noted("check", news.name, { inputs: news, failures: [] });
export const diff = (olds: Bag, news: Bag) =>
  noted("diff", news.name, { changes: olds.version !== news.version, deleteBeforeReplace: true });
export const read = (id: string, props: Bag) =>
  noted("read", props.name, wishes()[`read ${props.name}`] === "gone" ? {} : { id, props });
export const create = (news: Bag) => noted("create", news.name, { id: news.name, outs: { ...news, made: news.name } });
export const update = (_olds: Bag, news: Bag) => noted("update", news.name, { outs: { ...news, made: news.name } });
export const remove = (props: Bag) => noted("delete", props.name, undefined);
