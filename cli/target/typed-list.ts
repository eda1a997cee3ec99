/** The entries of a list as it is typed: `1,2`. */
export const listOf = (text = ""): string[] =>
  text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");

/** The id of a task, which may be typed with the sign before it that it is shown with. */
export const idOf = (text: string): string => text.replace(/^#/, "");
