import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson } from "../../lib/base/text.ts";
import type { Io } from "../output/io.ts";

/**
 * The shells' scripts. Each asks the hidden verb `__complete` (cli/verbs/complete.ts) what can stand in the place of
 * the word that is typed, so that none goes stale when verbs change.
 */
const SCRIPTS: Record<string, string> = {
  bash: `_ocaptain() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = :files ]; then compopt -o default; else COMPREPLY+=("\${line%%$'\\t'*}"); fi
  done < <("$1" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _ocaptain ocaptain`,
  zsh: `#compdef ocaptain
_ocaptain() {
  local line word
  local -a found
  for line in "\${(@f)$("$words[1]" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line ]] && continue
    if [[ $line == :files ]]; then _files; continue; fi
    word=\${line%%$'\\t'*}
    if [[ $line == *$'\\t'* ]]; then found+=("\${word//:/\\\\:}:\${line#*$'\\t'}"); else found+=("\${word//:/\\\\:}"); fi
  done
  (( $#found )) && _describe ocaptain found
}
if [[ $funcstack[1] == _ocaptain ]]; then _ocaptain "$@"; else compdef _ocaptain ocaptain; fi`,
  fish: `function __ocaptain_complete
  set -l words (commandline -opc)
  for line in ($words[1] __complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c ocaptain -f -a '(__ocaptain_complete)'`,
};

/** `ocaptain completion bash|zsh|fish`: prints the script by which that shell completes verbs, options and names. */
export async function completion(shell: string, io: Io): Promise<void> {
  const script = SCRIPTS[shell];
  if (!script)
    throw new OcaptainError("USAGE", `there is a completion for ${Object.keys(SCRIPTS).join(", ")}, and none for "${shell}"`, {
      hint: "ocaptain completion bash",
    });
  io.out(io.json ? plainJson({ shell, script }, 2) : script);
}
