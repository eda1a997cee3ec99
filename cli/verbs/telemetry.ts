import { z } from "zod";
import { OcaptainError } from "../../lib/base/errors.ts";
import { captainTelemetry } from "../../lib/base/paths.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { HELM_PORT } from "../../lib/tailnet/policy/policy-rules.ts";
import type { Io } from "../output/io.ts";

const Port = z.coerce.number().int().min(1).max(65_535);

/**
 * `ocaptain telemetry start`: programs that are on no ship may send telemetry from now on, to a port of loopback. It
 * prints lines for a shell, by which such programs send it there.
 * @throws OcaptainError USAGE, PORT_BUSY
 */
export async function telemetryStart(options: { port?: string; token?: boolean }, io: Io): Promise<void> {
  const port = Port.safeParse(options.port ?? HELM_PORT);
  if (!port.success)
    throw new OcaptainError("USAGE", `--port ${options.port} is no port: 1 to 65535`, {
      hint: "ocaptain telemetry start --help",
    });
  const helm = await ensureHelm();
  const started = await helm.startTelemetry({ port: port.data, needsToken: options.token === true });
  const url = `http://127.0.0.1:${started.port}`;
  const variables = {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    ...(started.token && { OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${started.token}` }),
    // Claude Code sends nothing unless it is told to.
    CLAUDE_CODE_ENABLE_TELEMETRY: "1",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
  };
  if (io.json) return io.out(plainJson({ url, folder: captainTelemetry(), needsToken: started.token !== null, variables }, 2));
  io.out(
    Object.entries(variables)
      .map(([name, value]) => `export ${name}=${shellWord(value)}`)
      .join("\n"),
  );
  io.note(`telemetry is taken at ${url}${started.token ? " with this token" : ""}, and kept in ${captainTelemetry()}`);
  io.note("it ends with: ocaptain telemetry stop");
}

/** `ocaptain telemetry stop`: no more is taken of programs that are on no ship. It may be repeated. */
export async function telemetryStop(io: Io): Promise<void> {
  const helm = helmClient();
  const was = await helm
    .telemetry()
    .then(({ programs }) => programs)
    .catch(ifDown(null));
  await helm.stopTelemetry().catch(ifDown(undefined));
  if (io.json) return io.out(plainJson({ stopped: was !== null, folder: captainTelemetry() }, 2));
  io.out(
    was === null
      ? "no telemetry was taken of programs that are on no ship"
      : `telemetry of programs is taken no more; what has come is in ${captainTelemetry()}`,
  );
}

/** Stands for the answer of a helm that does not run. */
function ifDown<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof OcaptainError && error.code === "HELM_DOWN") return instead;
    throw error;
  };
}
