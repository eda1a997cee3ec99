import { z } from "zod";
import { NoticeEvent } from "./events.ts";
import { type Template, templateProblems } from "./template.ts";

/** How many targets a voyage may have, and how long nobody may have taken an occurrence before it is told again. */
const MOST_TARGETS = 20;
export const AGAIN_MINUTES = 60;

/** Headers that a client sets itself, or that ours could be taken for. */
const OWN_HEADERS = /^(host|content-length|transfer-encoding|connection|keep-alive|upgrade|expect|te|trailer|ocaptain-.*)$/i;

const url = z.string().superRefine((text, context) => {
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) context.addIssue("must be a URL that begins with https:// or http://");
  else if (parsed.username || parsed.password)
    context.addIssue("holds a user or a password before its host, which no client sends: give an Authorization in headers");
});

const headers = z.record(z.string(), z.string().max(8_192)).superRefine((all, context) => {
  for (const [name, value] of Object.entries(all)) {
    if (OWN_HEADERS.test(name))
      context.addIssue({ code: "custom", path: [name], message: "is a header that the helm sets itself" });
    else if (!isHeader(name, value))
      context.addIssue({
        code: "custom",
        path: [name],
        message: "is no header that can be sent: a name without spaces, and one line",
      });
  }
});

function isHeader(name: string, value: string): boolean {
  try {
    return new Headers([[name, value]]).has(name);
  } catch {
    return false; // Its error quotes the value.
  }
}

const body = z
  .custom<Template>((value) => typeof value === "string" || (typeof value === "object" && value !== null), {
    message: "must be a text, a list or an object",
  })
  .superRefine((template, context) => {
    for (const problem of templateProblems(template)) context.addIssue(problem);
  });

/** Where notices go: to a URL by POST, or to a command on the captain's machine. */
export const NoticeTarget = z
  .strictObject({
    url: url.optional(),
    headers: headers.optional(),
    body: body.optional(),
    command: z.string().min(1).max(16_384).optional(),
    /** The events that it is told of. @default all */
    events: z.array(NoticeEvent).min(1).optional(),
    /** The key of the signature (helm/notices/signature.ts). */
    secret: z.string().min(16).max(1_024).optional(),
    /** After how long an occurrence that lasts is told again; 0: never. @default 60 */
    againMinutes: z.number().min(0).max(10_080).optional(),
  })
  .superRefine(({ url, headers, body, command, secret }, context) => {
    if ((url === undefined) === (command === undefined)) context.addIssue("must have a url or a command, and not both");
    if (command === undefined) return;
    for (const [key, value] of Object.entries({ headers, body, secret }))
      if (value !== undefined) context.addIssue({ code: "custom", path: [key], message: "is of use with a url alone" });
  });
export type NoticeTarget = z.infer<typeof NoticeTarget>;

/** All targets of a voyage. */
export const NoticeTargets = z.array(NoticeTarget).max(MOST_TARGETS);

/** The setting `ocaptain:notify`, which is a text of JSON, also where it was set by `--path`. */
export const NotifySetting = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('must be a list in JSON, such as [{"url": "https://…"}]');
      return z.NEVER;
    }
  })
  .pipe(NoticeTargets);

/** The name of a target, without anything that is secret: its place in the list, and the origin of its URL. */
export const labelOf = ({ url }: NoticeTarget, index: number): string =>
  `notify[${index}] (${url === undefined ? "command" : new URL(url).origin})`;
