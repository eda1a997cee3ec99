import { useSignal } from "@preact/signals";
import { Age } from "../parts/age.tsx";
import { Command } from "../parts/copy.tsx";
import { Counting } from "../parts/counting.tsx";
import { Icon, shapeOf } from "../parts/icon.tsx";
import { draftKey, drafts } from "../state/drafts.ts";
import type { Attention } from "../state/model.ts";
import { attention, current, head, tasks } from "../state/store.ts";
import { AnswerForm, LostReply } from "./answer-form.tsx";
import { Remedies } from "./remedies.tsx";
import { Empty, Section } from "./section.tsx";

/** A longer list begins with so many rows, so that the ships below stay near. */
const MOST_SHOWN = 8;

/** What only the captain can mend, the most pressing first, each with what is to be done about it. */
export function NeedsYou() {
  const rows = attention.value;
  const showsAll = useSignal(false);
  const isLong = rows.length > MOST_SHOWN + 2;
  return (
    <Section id="needs-you" title="Needs you" count={rows.length}>
      {rows.length === 0 && <Empty>{restful()}</Empty>}
      <ul class="needs" aria-label="What needs you">
        {(isLong && !showsAll.value ? rows.slice(0, MOST_SHOWN) : rows).map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </ul>
      {isLong && (
        <button type="button" class="more" aria-expanded={showsAll.value} onClick={() => (showsAll.value = !showsAll.value)}>
          {showsAll.value ? "Show the most pressing only" : `Show ${rows.length - MOST_SHOWN} more`}
        </button>
      )}
      <LostReplies rows={rows} />
    </Section>
  );
}

function restful() {
  const state = head.value?.state;
  if (state === "sunk") return "Nothing: this voyage has sunk. Its work is in the workspace.";
  if (state === "verified") return "Nothing: the voyage is verified.";
  return "Nothing. Questions of agents, blocked tasks and ships in trouble appear here.";
}

/** What is helped by a command and by no button: then the command is seen at once. */
const COMMANDS: ReadonlySet<string> = new Set(["up", "none", "log"]);

function Row({ row }: { row: Attention }) {
  const isQuestion = row.action.verb === "answer";
  return (
    <li class={`need need-${row.kind}`} id={`need-${row.id}`} tabIndex={-1}>
      <Icon shape={shapeOf(row.kind)} size={20} />
      <div class="need-body">
        <p class="need-message">
          <Counting text={row.message} at={row.since} />
        </p>
        {row.detail && <blockquote class="need-detail">{withoutChoices(row.detail, row.choices)}</blockquote>}
        {isQuestion && row.action.task ? (
          <AnswerForm task={row.action.task} question={row.detail ?? row.message} choices={row.choices ?? []} />
        ) : (
          <Remedies row={row} />
        )}
        {row.hint && (
          <details class="need-hint" open={COMMANDS.has(row.action.verb)}>
            <summary>In a terminal</summary>
            <Command text={row.hint} />
          </details>
        )}
      </div>
      <Age at={row.since} after=" ago" />
    </li>
  );
}

/** A question without its last lines, where these are the choices that stand below it as buttons. */
const withoutChoices = (question: string, choices: readonly string[] = []) =>
  choices.length === 0 ? question : question.trimEnd().split("\n").slice(0, -choices.length).join("\n");

/** Replies that were typed to what is asked no more: they are not thrown away without a word. */
function LostReplies({ rows }: { rows: readonly Attention[] }) {
  const voyage = current.value;
  if (voyage === null || head.value === null) return null;
  const open = new Set(rows.flatMap(({ action }) => (action.verb === "answer" && action.task ? [action.task] : [])));
  const lost = Object.entries(drafts.value).filter(([key]) => {
    const [of, task] = key.split(" ");
    return of === voyage && !open.has(task ?? "");
  });
  return (
    <>
      {lost.map(([key, draft]) => {
        const task = key.slice(draftKey(voyage, "").length);
        return <LostReply key={key} id={key} task={task} subject={tasks.row(task)?.value.subject} draft={draft} />;
      })}
    </>
  );
}
