export { setTimeout as passTime } from "node:timers/promises";
