/**
 * Shows that set-up is alive: one line for each step, on standard error, because standard output belongs to a script.
 */
import process from "node:process";

const TERMINAL_EVERY_MS = 1000;
const PLAIN_EVERY_MS = 15_000;

/**
 * Runs `work(tell, note)` and meanwhile shows `title`, the seconds, and what `tell(text)` was last called with: in
 * place on a terminal, else as a new line now and then. What `note(text)` is called with is a line that stays. At the
 * end it says whether the work is ready or has failed.
 */
export async function withProgress(title, work) {
  const out = process.stderr;
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  let detail = "";
  const show = () => {
    const line = `  ${title} … ${seconds()} s${detail ? `  ${detail}` : ""}`;
    if (out.isTTY) out.write(`\r\x1b[2K${line.slice(0, (out.columns || 80) - 1)}`);
    else out.write(`${line}\n`);
  };
  if (out.isTTY) show();
  else out.write(`  ${title} …\n`);
  const timer = setInterval(show, out.isTTY ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS);
  const line = (text) => out.write(`${out.isTTY ? "\r\x1b[2K" : ""}  ${text}\n`);
  const close = (word) => line(`${title}: ${word} after ${seconds()} s`);
  try {
    const result = await work((text) => {
      detail = text;
    }, line);
    close("ready");
    return result;
  } catch (error) {
    close("failed");
    throw error;
  } finally {
    clearInterval(timer);
  }
}
