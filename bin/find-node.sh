# What the commands of this folder share: they are read by a shell that has set `root`, and that may have no Node yet.

# The folders in which set-up puts a Node: among the tools, and once in the checkout.
tools=${OCAPTAIN_TOOLS:-${OCAPTAIN_HOME:-$HOME/.ocaptain}/tools}

# Prints the first Node on PATH that is of this version or later, else the one that set-up brought.
find_node() {
  for node in node "$tools"/node-*/node_modules/node-*/bin/node "$root"/.tools/node24/node_modules/node-*/bin/node; do
    version=$("$node" --version 2>/dev/null) || continue
    version=${version#v}
    [ "${version%%.*}" -ge "$1" ] 2>/dev/null || continue
    printf '%s\n' "$node"
    return
  done
  return 1
}
