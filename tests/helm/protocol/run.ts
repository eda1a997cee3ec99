import { checkProtocol } from "./protocol.ts";

/**
 * Runs the property, on a copy of the source from which a rule was taken out: exits with 0 when nothing was found, with
 * 1 when the property objects.
 */
try {
  await checkProtocol({
    runs: Number(process.argv[2] ?? 200),
    seed: Number(process.argv[3] ?? 1),
    first: true,
    changes: process.argv[4] === "changes",
  });
} catch (error) {
  process.stdout.write(`${String(error instanceof Error ? `${error.message}\n${error.cause}` : error)}\n`);
  process.exit(1);
}
