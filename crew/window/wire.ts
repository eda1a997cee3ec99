/**
 * What the supervisor says to the program in the tmux session `claude`, by JSON lines on `~/voyage/crew/window.sock`.
 * What is to be started is told by the socket and not by argv, because its environment holds the model's credentials.
 */
export type ToWindow =
  /**
   * With `terminal` the program has the terminal for itself. Otherwise its outputs come back, `input` goes to it, and
   * only `say` is shown.
   */
  | { type: "start"; argv: readonly string[]; cwd: string; env: NodeJS.ProcessEnv; terminal: boolean; input?: string }
  | { type: "say"; text: string };

/** What the program in the session answers. */
export type FromWindow =
  | { type: "started"; pid: number }
  /** `data` is base64. */
  | { type: "stdout" | "stderr"; data: string }
  | { type: "failed"; message: string }
  /** `code` is null when a signal ended the program. Output may still come, from what it has started. */
  | { type: "exit"; code: number | null }
  /** All output of the program has come. */
  | { type: "drained" };

/** Makes a function that takes chunks of text and calls `take` with each whole line of JSON. */
export function jsonLines<T>(take: (message: T) => void): (chunk: string) => void {
  let rest = "";
  return (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) take(JSON.parse(line) as T);
  };
}
