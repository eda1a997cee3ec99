import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The programs that open a file in the browser of whoever sits there, where somebody can. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = { linux: ["wslview", "xdg-open"], darwin: ["open"] };
/** How long an opener may take to fail, in ms. One that goes on is the browser itself. */
const OPENER_MS = 3_000;

/** Opens a file in a browser. Returns whether that went well. */
export async function openInBrowser(file: string): Promise<boolean> {
  const { DISPLAY, WAYLAND_DISPLAY, WSL_DISTRO_NAME, BROWSER, PATH = "" } = process.env;
  // Without a screen xdg-open takes a browser for terminals, which nobody would see.
  if (process.platform === "linux" && !(DISPLAY || WAYLAND_DISPLAY || WSL_DISTRO_NAME || BROWSER)) return false;
  const has = (program: string) => PATH.split(delimiter).some((folder) => folder && existsSync(join(folder, program)));
  const opener = OPENERS[process.platform]?.find(has);
  if (!opener) return false;
  return new Promise((resolve) => {
    const child = spawn(opener, [file], { stdio: "ignore", detached: true });
    const timer = setTimeout(() => resolve(true), OPENER_MS);
    const end = (isOpen: boolean) => {
      clearTimeout(timer);
      resolve(isOpen);
    };
    child.once("error", () => end(false));
    child.once("exit", (code) => end(code === 0));
    child.unref();
  });
}
