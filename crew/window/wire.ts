/**
 * What the supervisor and the program in the tmux session `claude` say to each other by `~/voyage/crew/window.sock`, a JSON line each. What is started is
 * told by the socket and not by argv: its environment holds the model's credentials.
 */
export type ToWindow =
  /** `terminal`: the program has this terminal for itself. Otherwise its outputs come back, `input` goes to it, and only `say` is shown. */
  | { type: "start"; argv: readonly string[]; cwd: string; env: NodeJS.ProcessEnv; terminal: boolean; input?: string }
  | { type: "say"; text: string };

export type FromWindow =
  | { type: "started"; pid: number }
  /** base64 */
  | { type: "stdout" | "stderr"; data: string }
  | { type: "failed"; message: string }
  /** `code` is null when a signal ended it. Output may still come: what it started has it open, too. */
  | { type: "exit"; code: number | null }
  /** All output is out. */
  | { type: "drained" };

/** Takes chunks of text apart into lines of JSON. */
export function jsonLines<T>(take: (message: T) => void): (chunk: string) => void {
  let rest = "";
  return (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) take(JSON.parse(line) as T);
  };
}
