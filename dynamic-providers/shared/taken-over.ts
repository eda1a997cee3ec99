import { OcaptainError } from "../../lib/base/errors.ts";

/** The error of a voyage that another captain has taken from this one, with how it is known and both ways on. */
export const takenOver = (stack: string, captain: string, how: string) =>
  new OcaptainError("TAKEN_OVER", `voyage "${stack}" was taken over by captain ${captain}: ${how}`, {
    hint: `go on there; or take it back, with that machine's folder of the voyage: ocaptain captain take ${stack}`,
  });
