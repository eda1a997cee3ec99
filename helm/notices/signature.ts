import { createHmac } from "node:crypto";

/**
 * Signs a body: `t=SECONDS,v1=HEX`, in which the second is the HMAC-SHA256 of `SECONDS.BODY` by the target's secret.
 * The time is signed too, so that a receiver can refuse what somebody has kept and sends again later. How a receiver
 * checks it: docs/notices.md#signature
 */
export function signatureOf(body: string, secret: string, wallMs: number): string {
  const seconds = Math.floor(wallMs / 1000);
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}
