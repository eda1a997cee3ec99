import type { Refusal } from "../../lib/protocol/ship-api.ts";

/**
 * The error of a call that the ledger has decided against: it is answered with 409, and says who holds the task now.
 */
export class Refused extends Error {
  readonly refusal: Refusal;
  constructor(error: Refusal["error"], message: string, holder: Refusal["holder"] = null) {
    super(message);
    this.name = "Refused";
    this.refusal = { error, message, holder };
  }
}
