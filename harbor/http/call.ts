import type { IncomingMessage, ServerResponse } from "node:http";
import type { HarborShips } from "../sprites/harbor-ships.ts";
import type { Fault } from "./faults.ts";

/** One authenticated HTTP call on its way through the routes. */
export type ApiCall = {
  request: IncomingMessage;
  response: ServerResponse;
  ships: HarborShips;
  query: URLSearchParams;
  /** A scripted fault that the route itself must act out; faults that answer by themselves never reach a route. */
  fault: Fault | undefined;
};
