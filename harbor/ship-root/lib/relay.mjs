// Runs in a ship for the harbor's TCP proxy: `node relay.mjs HOST PORT`. Input and output are the connection's bytes.
// One line on stderr says whether it was made: "connected", or why not.
import { connect } from "node:net";

const [host, port] = process.argv.slice(2);
const socket = connect({ host, port: Number(port) });
socket.once("connect", () => {
  process.stderr.write("connected\n");
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
});
socket.once("error", (error) => {
  if (socket.pending || socket.connecting) process.stderr.write(`${error.code ?? error.message}\n`);
  process.exitCode = 1;
});
socket.once("close", () => process.stdin.destroy());
