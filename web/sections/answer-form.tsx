import { useId } from "preact/hooks";
import { act, busy, keyOf } from "../state/actions.ts";
import { type Draft, draftKey, drafts, keepDraft } from "../state/drafts.ts";
import { current, isLive } from "../state/store.ts";

/** The field in which a question is answered. What is typed stays until the helm has taken it. */
export function AnswerForm({ task, question, choices }: { task: string; question: string; choices: readonly string[] }) {
  const id = useId();
  const key = draftKey(current.value ?? "", task);
  const draft = drafts.value[key];
  const text = draft?.text ?? "";
  const isBusy = busy.value.has(keyOf({ action: "answer", task, text: "" }));
  const send = async (answer: string) => {
    const reply = answer.trim();
    if (reply === "" || isBusy) return;
    keepDraft(key, { text: answer, question });
    const failed = await act({ action: "answer", task, text: reply });
    keepDraft(key, failed === null ? null : { text: answer, question, failed });
  };
  const isOther = draft !== undefined && draft.question !== question;
  return (
    <form
      class="answer"
      onSubmit={(event) => {
        event.preventDefault();
        void send(text);
      }}
    >
      {choices.length > 0 && (
        <div class="buttons choices" role="group" aria-label="Choices">
          {choices.map((choice, index) => (
            <button key={choice} type="button" disabled={isBusy || !isLive.value} onClick={() => send(choice)}>
              {index < 9 && <kbd>{index + 1}</kbd>}
              {choice}
            </button>
          ))}
        </div>
      )}
      <label for={id}>{choices.length > 0 ? "Or in your own words" : "Your answer"}</label>
      <div class="answer-field">
        <textarea
          id={id}
          rows={Math.min(8, Math.max(1, text.split("\n").length))}
          value={text}
          maxLength={16_000}
          data-answer={task}
          onInput={(event) => keepDraft(key, { text: event.currentTarget.value, question })}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            void send(text);
          }}
        />
        <button type="submit" class="primary" disabled={isBusy || !isLive.value || text.trim() === ""}>
          {isBusy ? "Sending" : "Answer"}
        </button>
      </div>
      {draft?.failed && (
        <p class="undelivered" role="alert">
          <strong>Not delivered:</strong> {draft.failed}. Your reply is kept here until it is.
        </p>
      )}
      {isOther && !draft.failed && <p class="undelivered">This was typed for an earlier question of the task.</p>}
    </form>
  );
}

/** A reply whose question has gone before it was delivered. */
export function LostReply(props: { id: string; task: string; subject: string | undefined; draft: Draft }) {
  const { id, task, subject, draft } = props;
  return (
    <div class="lost-reply">
      <p>
        Your reply to task <code>{task}</code>
        {subject && ` (${subject})`} was not delivered, and the task asks nothing now:
      </p>
      <blockquote class="need-detail">{draft.text}</blockquote>
      <button type="button" class="small" onClick={() => keepDraft(id, null)}>
        Throw it away
      </button>
    </div>
  );
}
