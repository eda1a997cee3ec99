import { OcaptainError } from "../base/errors.ts";
import { errorText, type Http, isWeather, type Reply, type Request } from "../base/http-call.ts";

/** What all calls to a provider share: repeating through weather, and errors in its words. */

/** Waits between looks at a name that answers 404, or after weather: absence is believed after all of them (facts: sprites §3.3). */
export const LOOK_AGAIN_MS = [200, 500, 1000];

export const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

export const spritePath = (name: string) => `/v1/sprites/${encodeURIComponent(name)}`;

/** Repeats a call that may be repeated, through weather and lost answers: 4 attempts in about 2 s, then the last reply or error. */
export async function steady(http: Http, request: Request, weather: (reply: Reply) => boolean = () => true): Promise<Reply> {
  for (let attempt = 0; ; attempt++) {
    const wait = LOOK_AGAIN_MS[attempt];
    const reply = await http(request).catch((error: unknown) => {
      if (wait !== undefined && error instanceof OcaptainError && error.code === "SPRITES_UNREACHABLE") return null;
      throw error;
    });
    if (reply && (wait === undefined || !isWeather(reply.status) || !weather(reply))) return reply;
    await sleep(wait ?? 0);
  }
}

export function expect(reply: Reply, what: string): Reply {
  if (reply.status >= 200 && reply.status < 300) return reply;
  throw refused(what, reply);
}

export const refused = (what: string, reply: Reply) =>
  new OcaptainError("SPRITES_REFUSED", `${what}: ${reply.status} ${errorText(reply)}`);

export const spriteGone = (name: string) =>
  new OcaptainError("SPRITE_GONE", `sprite "${name}" is not there`, { hint: "pulumi up" });
