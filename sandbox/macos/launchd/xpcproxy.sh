#!/bin/sh
# Stand-in for launchd's xpcproxy, run as the job's user: xpcproxy.sh UMASK CWD IN OUT ERR PROGRAM ARG…
# 78 and not a word in the log when a path cannot be used (facts/macos.md 1.5). An empty word stands for a missing key.
umask "$1"
cd -- "${2:-/}" 2>/dev/null || exit 78
in=${3:-/dev/null} out=${4:-/dev/null} err=${5:-/dev/null}
shift 5
(: <"$in") 2>/dev/null || exit 78
(: >>"$out") 2>/dev/null || exit 78
(: >>"$err") 2>/dev/null || exit 78
[ -f "$1" ] && [ -x "$1" ] || exit 78
exec "$@" <"$in" >>"$out" 2>>"$err"
