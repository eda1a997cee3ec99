/**
 * Our own commands are run on a ship by a provider exec. An agent may write into the folders of its ship's home that
 * lead the PATH (`~/.local/bin`), and a `sh` of its own there must not be what answers the captain. So the shell is
 * named by its path, and looks into the ship's home last.
 */

const SHELL = "/bin/sh";

/**
 * A line that puts the system's folders first in the PATH, by the shell's own means alone. The PATH of before is kept
 * in SHIP_PATH, also when one such script runs another.
 */
const SYSTEM_FIRST = `: "\${SHIP_PATH:=$PATH}"; export SHIP_PATH; set -f; IFS=:; first= last=
for dir in $PATH; do case $dir in "\${HOME:-/-}"/*) last=$last:$dir ;; /*) first=$first:$dir ;; esac; done
unset IFS; set +f; PATH=$first$last; PATH=\${PATH#:}
`;

/**
 * Returns the command that runs `script`, in which `$1` … are `words`, with the programs of the ship's system before
 * those of its home.
 */
export const shipScript = (script: string, ...words: string[]): readonly string[] => [
  SHELL,
  "-c",
  SYSTEM_FIRST + script,
  ...(words.length > 0 ? ["sh", ...words] : []),
];

/** Returns the command that runs this program with these arguments; the program is looked for in the same order. */
export const shipProgram = (...words: [string, ...string[]]): readonly string[] => shipScript('exec "$@"', ...words);

/**
 * A piece of such a script that starts a tmux session, unless it runs; its exit status is 0 either way. The session's
 * programs have the ship's own PATH, as the hand's may lie in its home. It tries again, because a tmux server that is
 * just ending with its last session takes no new one.
 */
export const startSession = (name: string, command: string): string =>
  `(tmux=$(command -v tmux)
for i in 1 2 3 4 5; do
"$tmux" has-session -t =${name} 2>/dev/null && exit 0
(PATH=$SHIP_PATH; unset SHIP_PATH; exec "$tmux" new-session -d -s ${name} -x 200 -y 50 '${command}') && exit 0
sleep 0.2
done
exit 1)`;
