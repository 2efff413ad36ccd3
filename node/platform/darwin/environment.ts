import { join } from "node:path";
import { EXPORTS_HEADER, renderExports } from "../../environment-file.ts";
import { ENVIRONMENT_FILE } from "./names.ts";
import type { OsUser, Platform } from "../index.ts";

/** Environment of everything that runs as a gateway user; HOME is said, since sudo and launchd may say another one. */
export function userEnvironment(user: OsUser): Record<string, string> {
  return {
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    SHELL: "/bin/sh",
    PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
    TMPDIR: join(user.home, ".openclaw/tmp"),
  };
}

export const environmentFile: Platform["environmentFile"] = { path: ENVIRONMENT_FILE, render: renderExports };

/**
 * Starts the gateway with the variables of its environment file. A missing or foreign file ends with 78, which says in
 * launchd's records that a person is needed; nothing of the file is ever printed.
 */
export const WRAPPER = `#!/bin/sh
# Gatehouse: starts a gateway with the secrets of its environment file.
# usage: wrapper ENVIRONMENT_FILE COMMAND [ARGUMENT ...]
set -u
file=$1
shift
if [ ! -r "$file" ]; then
  echo "gatehouse: the environment file $file cannot be read" >&2
  exit 78
fi
IFS= read -r first <"$file" || first=
if [ "$first" != "${EXPORTS_HEADER}" ]; then
  echo "gatehouse: $file is not the environment file that was written for this service" >&2
  exit 78
fi
. "$file"
exec "$@"
`;
