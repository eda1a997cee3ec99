import { ocaptainHome } from "../../lib/base/paths.ts";
import { HELM_EXIT } from "../../lib/daemons/helm-build.ts";
import { launchdLabel, serviceScript } from "../../lib/daemons/helm-service.ts";

/** The seconds after which a helm that has died is started again. */
const AGAIN_SECONDS = 2;

/**
 * The unit of systemd's user manager. A helm that ends by itself is not started again, nor one that found another or
 * its port taken. Only the helm itself is ended with the unit: a harbor that it has started is for its ships to keep.
 */
export const systemdUnit = () => `[Unit]
Description=ocaptain: the helm of the voyages in ${percent(ocaptainHome())}
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
ExecStart=/bin/sh ${quoted(serviceScript())}
KillMode=process
Restart=on-failure
RestartSec=${AGAIN_SECONDS}
RestartPreventExitStatus=${HELM_EXIT.locked} ${HELM_EXIT.portBusy}

[Install]
WantedBy=default.target
`;

/** A word of a unit's command line: systemd reads C escapes, \`%\` and \`$\` in it. */
const quoted = (text: string) => `"${percent(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("$", "$$$$")}"`;
const percent = (text: string) => text.replaceAll("%", "%%");

/** The agent of launchd, in its XML. It is started at a log-in, and again when it has died. */
export const launchdAgent = () => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xml(launchdLabel())}</string>
  <key>ProgramArguments</key>
  <array>
    <string>/bin/sh</string>
    <string>${xml(serviceScript())}</string>
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>AbandonProcessGroup</key>
  <true/>
</dict>
</plist>
`;

const xml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
