/**
 * The options of the demonstration, which `npm run demo` and `ocaptain demo` take alike. `value` names what an option
 * takes; without it, it takes nothing.
 */
export const OPTIONS = {
  repo: {
    value: "<repo>",
    what: "repository to survey: ./ ../ / or ~ before a path, a URL, or owner/name on GitHub (default: the one around this folder)",
  },
  plan: { value: "<folder>", what: "another plan than plans/survey" },
  ships: { value: "<n>", what: "ships (default 4)" },
  latency: { value: "<profile>", what: "none or realistic (default)" },
  keep: { what: "leave the fleet sailing; prints how to go on with it" },
} as const satisfies Record<string, { value?: string; what: string }>;

/** Each option as it is typed, and what it does. */
export const FLAGS = Object.entries(OPTIONS).map(
  ([name, option]) => [`--${name}${"value" in option ? ` ${option.value}` : ""}`, option.what] as const,
);
