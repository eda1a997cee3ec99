/**
 * The environment of a tailscaled. It tells the vendor's log service nothing; and a control plane without TLS has a
 * relay without TLS.
 */
export const tailscaledEnvironment = (loginServer: string | undefined, logs: string): Record<string, string> => ({
  TS_NO_LOGS_NO_SUPPORT: "true",
  TS_LOGS_DIR: logs,
  TS_DISABLE_PORTMAPPER: "1",
  ...(loginServer?.startsWith("http:") && { TS_DEBUG_USE_DERP_HTTP: "1" }),
});
