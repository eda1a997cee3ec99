import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../base/errors.ts";
import { freePort } from "../base/free-port.ts";
import { holderOf } from "../base/port-holder.ts";
import { helmClient } from "../daemons/helm-client.ts";
import { helmPort, isPortChosen } from "../daemons/helm-port.ts";
import { helmProcess } from "../daemons/helm-process.ts";
import type { Check } from "./check.ts";

const ASK_MS = 1_000;
/** The time for a helm that is just starting, which takes the port before it answers. */
const PATIENCE_MS = 2_000;
/** The time for a helm that runs and has much to do. */
const BUSY_MS = 6_000;

/**
 * Checks that the port on which the helm will serve ships is free, is held by this captain's helm, or can be another
 * one. It tries a connection and does not listen, since two voyages that sail at one time would see each other's trial.
 * Port 0, which tests use, is any free one.
 * @param options.tailnet  the voyage's ships reach this port alone
 */
export function helmPortCheck({ tailnet = false } = {}): Check {
  const port = helmPort();
  const what = `port ${process.env.OCAPTAIN_HELM_PORT || port}`;
  return {
    what,
    look: async () => {
      if (!Number.isInteger(port) || port < 0 || port > 65_535)
        return [{ what, message: "OCAPTAIN_HELM_PORT is no port", hint: `export OCAPTAIN_HELM_PORT=${await freePort()}` }];
      const began = Date.now();
      for (;;) {
        const helm = await askHelm();
        if (helm === "answers") return [];
        const waited = Date.now() - began;
        if (helm instanceof OcaptainError) {
          if (helmProcess()?.stopped || waited > BUSY_MS) return [{ what: "helm", message: helm.message, hint: helm.hint ?? "" }];
        } else {
          if (!(await taken(port))) return [];
          if (waited > PATIENCE_MS) break;
        }
        await sleep(100);
      }
      if (!isPortChosen() && !tailnet) return []; // a free port will be found and kept
      const holder = holderOf(port);
      const pid = /^process (\d+)/.exec(holder)?.[1];
      const end = pid ? `kill ${pid}` : `sudo ss -ltnp 'sport = :${port}'`;
      const hint = tailnet
        ? `${end}  # ${pid ? "ends it" : "names it"}: ships of a tailnet reach the captain at this port alone`
        : `export OCAPTAIN_HELM_PORT=${await freePort()}`;
      return [{ what, message: `is occupied by ${holder}, which is not the helm of this OCAPTAIN_HOME`, hint }];
    },
  };
}

/**
 * Asks the helm. "absent" says that nobody is there, or something that is no helm; an error, that a helm runs and does
 * not answer.
 */
const askHelm = (): Promise<"answers" | "absent" | OcaptainError> =>
  helmClient()
    .health(ASK_MS)
    .then(
      () => "answers" as const,
      (error: unknown) => (error instanceof OcaptainError && error.code === "HELM_SILENT" ? error : "absent"),
    );

/** Whether anything on this machine takes connections at the port. */
function taken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    // A connection that is neither taken nor refused in a second says that something is there.
    socket.setTimeout(ASK_MS, () => settle(true));
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
