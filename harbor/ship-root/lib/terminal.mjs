// Runs a command in a ship with a terminal of the ship's own, for the harbor: input and output are the terminal's
// bytes. Made outside, the terminal would have no name in the ship, where ttyname, tmux and screen look for it. File
// descriptor 3 takes lines of JSON: {argv, cols, rows} first, whose command must not stand in this process's own
// command line, since it may hold secrets; later {cols, rows} for each new size. It ends with the command's exit
// status, 128 + n for a signal, and ends the command's terminal when the harbor is gone.
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { spawn } from "@lydell/node-pty";

// process.stdout would write synchronously: a caller who reads no more would stop sizes and input too.
const output = new Socket({ fd: 1, readable: false, writable: true });
const harbor = new Socket({ fd: 3, readable: true, writable: false });
let terminal;
createInterface({ input: harbor }).on("line", (line) => {
  const { argv, cols, rows } = JSON.parse(line);
  if (terminal) terminal.resize(cols, rows);
  else terminal = open(argv, { cols, rows });
});
for (const end of [harbor, output]) {
  end.on("error", () => {});
  end.once("close", () => process.exit());
}

function open([file, ...args], size) {
  const opened = spawn(file, args, { ...size, encoding: null });
  process.stdin.on("data", (data) => opened.write(data));
  opened.onData((data) => output.write(data) || opened.pause());
  output.on("drain", () => opened.resume());
  opened.onExit(({ exitCode, signal }) => {
    process.exitCode = signal ? 128 + signal : exitCode;
    output.end();
  });
  return opened;
}
