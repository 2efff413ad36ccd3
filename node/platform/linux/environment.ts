import type { OsUser } from "../index.ts";

/** Environment of everything that runs as a gateway user; the last two lead to its service manager. */
export function userEnvironment(user: OsUser): Record<string, string> {
  return {
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    SHELL: "/bin/sh",
    PATH: "/usr/local/bin:/usr/bin:/bin",
    XDG_RUNTIME_DIR: `/run/user/${user.uid}`,
    DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${user.uid}/bus`,
  };
}
