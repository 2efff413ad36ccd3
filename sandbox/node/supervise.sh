#!/bin/sh
# Runs one node: supervise.sh CGROUP COMMAND…
# systemd-nspawn ends with status 133 when the node asked for a reboot (--keep-unit), and is started again then.
# SIGTERM is handed on, which powers the node off.
set -u
cgroup=$1
shift
child=
stopping=
trap 'stopping=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM
trap '' HUP INT

while [ -z "$stopping" ]; do
  find "$cgroup" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null
  sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup" "$@" &
  child=$!
  while :; do
    wait "$child"
    status=$?
    # a trapped signal ends `wait` early
    kill -0 "$child" 2>/dev/null || break
  done
  [ "$status" -eq 133 ] || exit "$status"
done
