# Sourced by ssh and scp: how they find a ship (../vm/ssh-entries.ts writes the files).
# POSIX shell: 16 ships call it 48 times.

connection=

# Finds the ship, defines enter(), or ends as a host that does not answer: a connection never wakes a ship.
open_door() {
  ship=${1#*@}
  case $ship in '' | *[!a-z0-9-]*) no_door ;; esac
  folder=${OCAPTAIN_HARBOR_HOME:-${OCAPTAIN_HOME:-$HOME/.ocaptain}/harbor}
  connection=$folder/ssh/$ship.$$
  : 2>/dev/null >"$connection" || no_door
  [ -f "$folder/awake/$ship" ] || no_door
  . "$folder/awake/$ship"
  # A file left by a harbor that was killed: its numbers may be other processes by now.
  still_there || no_door
}

no_door() {
  [ -z "$connection" ] || rm -f "$connection"
  echo "ssh: connect to host $ship port 22: Connection timed out" >&2
  exit 255
}
