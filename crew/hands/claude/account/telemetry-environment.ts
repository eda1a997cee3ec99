/** How often Claude Code sends its metrics, which are sums since it last did. */
const METRICS_MS = 10_000;

/** What Claude Code would say of contents: prompts, answers, and what tools are called with and return. */
const CONTENTS = [
  "OTEL_LOG_USER_PROMPTS",
  "OTEL_LOG_ASSISTANT_RESPONSES",
  "OTEL_LOG_TOOL_DETAILS",
  "OTEL_LOG_TOOL_CONTENT",
  "OTEL_LOG_RAW_API_BODIES",
];

/**
 * The variables by which Claude Code sends its telemetry to `endpoint`: its log records each `logsMs`; and where they
 * are collected, metrics and traces too. Contents are turned off by name, so that nothing on the ship turns them on.
 */
export function telemetryEnvironment(
  endpoint: string,
  logsMs: number,
  collected: { contents: boolean } | undefined,
): Record<string, string> {
  const contents = collected?.contents ?? false;
  return {
    CLAUDE_CODE_ENABLE_TELEMETRY: "1",
    ...exporter("LOGS", `${endpoint}/v1/logs`),
    OTEL_LOGS_EXPORT_INTERVAL: String(logsMs),
    ...Object.fromEntries(CONTENTS.map((name) => [name, contents && name !== "OTEL_LOG_RAW_API_BODIES" ? "1" : "0"])),
    ...(collected && {
      CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
      ...exporter("METRICS", `${endpoint}/v1/metrics`),
      ...exporter("TRACES", `${endpoint}/v1/traces`),
      OTEL_METRIC_EXPORT_INTERVAL: String(METRICS_MS),
    }),
  };
}

const exporter = (signal: string, endpoint: string) => ({
  [`OTEL_${signal}_EXPORTER`]: "otlp",
  [`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`]: "http/json",
  [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]: endpoint,
});
