# What the commands of this folder share: they are read by a shell that has set `root`, and that may have no Node yet.

# The folders in which set-up puts a Node: among the tools, and once in the checkout.
tools=${OCAPTAIN_TOOLS:-${OCAPTAIN_HOME:-$HOME/.ocaptain}/tools}

is_new_enough() {
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}
  [ "${version%%.*}" -ge "$2" ] 2>/dev/null
}

# Prints the first Node on PATH that is of this version or later, else the one that set-up brought.
find_node() {
  if is_new_enough node "$1"; then
    echo node
    return
  fi
  (
    IFS=:
    set -f
    for folder in $PATH; do
      [ -x "$folder/node" ] && is_new_enough "$folder/node" "$1" && printf '%s\n' "$folder/node" && exit
    done
    exit 1
  ) && return
  for node in "$tools"/node-*/node_modules/node-*/bin/node "$root"/.tools/node24/node_modules/node-*/bin/node; do
    if is_new_enough "$node" "$1"; then
      printf '%s\n' "$node"
      return
    fi
  done
  return 1
}
