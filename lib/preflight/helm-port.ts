import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { helmClient } from "../helm-client.ts";
import { helmPort } from "../paths.ts";
import type { Check } from "./check.ts";

const ASK_MS = 1_000;
/** A helm that is just starting takes the port before it answers. */
const PATIENCE_MS = 2_000;

/**
 * The port on which the helm will serve ships is free, or held by our helm. It is asked by a connect, not tried by a listen: two voyages that
 * sail at one time would see each other's trial. Port 0 (tests) is any free one.
 */
export function helmPortCheck(): Check {
  const port = helmPort();
  const what = `port ${process.env.OCAPTAIN_HELM_PORT || port}`;
  const hint = "export OCAPTAIN_HELM_PORT=another port";
  return {
    what,
    look: async () => {
      if (!Number.isInteger(port) || port < 0 || port > 65_535) return [{ what, message: "OCAPTAIN_HELM_PORT is no port", hint }];
      for (const until = Date.now() + PATIENCE_MS; ; await sleep(100)) {
        if (!(await taken(port)) || (await helmAnswers())) return [];
        if (Date.now() > until)
          return [{ what, message: "is occupied by a program that is not the helm of this OCAPTAIN_HOME", hint }];
      }
    },
  };
}

const helmAnswers = () =>
  helmClient()
    .health(ASK_MS)
    .then(
      () => true,
      () => false,
    );

/** Does anything on this machine take connections there? */
function taken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    // Neither taken nor refused in a second: something is there that does not even accept.
    socket.setTimeout(ASK_MS, () => settle(true));
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
