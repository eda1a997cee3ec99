const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Brings a section into view, and gives its heading the focus. */
export function goTo(id: string): void {
  const section = document.getElementById(id);
  section?.scrollIntoView({ behavior: isStill() ? "auto" : "smooth", block: "start" });
  document.getElementById(`${id}-title`)?.focus({ preventScroll: true });
}
