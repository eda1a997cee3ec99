import process from "node:process";
import { atLeast, findOnPath, identity, runCommand } from "./command.mjs";

/**
 * The programs that the system's package manager installs. On Linux, bubblewrap confines the harbor's ships, and
 * iproute2 gives them networks of their own, which takes root.
 */
const programs = [
  { command: "git", version: ["--version"], atLeast: "2.38", package: "git" },
  { command: "tmux", version: ["-V"], atLeast: "3", package: "tmux" },
  ...(process.platform === "linux" ? [{ command: "bwrap", version: ["--version"], atLeast: "0.4", package: "bubblewrap" }] : []),
  ...(process.platform === "linux" && process.getuid?.() === 0
    ? [{ command: "ip", version: ["-V"], atLeast: "5", package: "iproute2" }]
    : []),
];

/**
 * A part of set-up whose programs come from the system's package manager: `programs` are those that must be there, each
 * with how it says its version, the oldest that will do, and the package that has it.
 */
const systemPart = (name, title, programs) => ({
  name,
  title,
  earlier: [],
  key: () => programs.map((program) => `${program.command}≥${program.atLeast}`).join(" "),
  intact: (stamp) => stamp.rows.every((row) => identity(row.path) === row.identity),

  async make({ tell }) {
    let missing = await missingPackages(programs);
    if (missing.length > 0 && process.getuid?.() === 0 && findOnPath("apt-get")) {
      tell(`apt-get install ${missing.join(" ")}`);
      // The error below, with the command to type, tells a person more than apt-get's.
      await aptInstall(missing).catch((error) => tell(error.message.split("\n")[0]));
      missing = await missingPackages(programs);
    }
    if (missing.length > 0) throw new Error(`missing on this machine: ${missing.join(", ")}. Type: ${installCommand(missing)}`);
    const rows = programs.map(async (program) => {
      const path = findOnPath(program.command);
      return {
        part: program.package,
        version: await versionOf(program),
        from: `system (${path})`,
        path,
        identity: identity(path),
      };
    });
    return { rows: await Promise.all(rows) };
  },
});

export const system = systemPart("system", "system packages", programs);

/** The browser in which the tests of the page run. It is made only when asked for (`npm run setup -- chromium`). */
export const chromium = systemPart("chromium", "Chromium, for tests of the page", [
  { command: "chromium", version: ["--version"], atLeast: "123", package: "chromium" },
]);

async function missingPackages(programs) {
  const found = await Promise.all(programs.map(async (program) => atLeast((await versionOf(program)) ?? "", program.atLeast)));
  return programs.filter((_, i) => !found[i]).map((program) => program.package);
}

/**
 * Reads a program's version: "2.39.5" from "git version 2.39.5", "3.3" from "tmux 3.3a", "6.1.0" from "ip utility,
 * iproute2-6.1.0"; undefined when it does not run.
 */
async function versionOf(program) {
  const said = await runCommand(program.command, program.version, { timeoutMs: 20_000 }).catch(() => "");
  return /(?<![a-z])\d+(\.\d+)*/.exec(said)?.[0];
}

/**
 * Installs packages, at first without a refresh of the lists: on most machines these are fresh enough, and a refresh
 * takes longer than the rest.
 */
async function aptInstall(names) {
  const apt = (...args) => runCommand("apt-get", args, { timeoutMs: 5 * 60_000, env: { DEBIAN_FRONTEND: "noninteractive" } });
  const install = () => apt("install", "--yes", "--no-install-recommends", ...names);
  await install().catch(async () => {
    await apt("update");
    await install();
  });
}

function installCommand(names) {
  const managers = [
    ["apt-get", "apt-get install -y"],
    ["dnf", "dnf install -y"],
    ["pacman", "pacman -S"],
    ["zypper", "zypper install"],
    ["apk", "apk add"],
  ];
  const command = managers.find(([manager]) => findOnPath(manager))?.[1];
  if (command) return `${process.getuid?.() === 0 ? "" : "sudo "}${command} ${names.join(" ")}`;
  return `${findOnPath("brew") ? "brew install" : "your package manager's install command, with"} ${names.join(" ")}`;
}
