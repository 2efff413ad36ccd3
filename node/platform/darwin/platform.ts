import { statfs } from "node:fs/promises";
import { EXIT } from "../../protocol.ts";
import { exec } from "../../lib/exec.ts";
import { PhaseFailure } from "../../lib/failure.ts";
import { darwinAlwaysOn } from "./always-on.ts";
import { bootFacts } from "./boot.ts";
import { environmentFile, userEnvironment } from "./environment.ts";
import { gatewayOf, startOf } from "./names.ts";
import {
  executableOf,
  hardening,
  listenerAddresses,
  listenerUid,
  processEnvironment,
  processesBelow,
} from "./processes.ts";
import { darwinServices } from "./services.ts";
import { darwinSteward } from "./steward.ts";
import { checkRuntime } from "./trust.ts";
import { darwinAccounts, darwinUsers } from "./users.ts";
import type { Platform } from "../index.ts";

async function machineId(): Promise<string> {
  const { stdout } = await exec(["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"], { timeoutSeconds: 20 });
  const id = /"IOPlatformUUID" = "([0-9A-F-]{36})"/.exec(stdout)?.[1];
  if (id !== undefined) return id;
  throw new PhaseFailure({
    layer: "host",
    code: "machine-id",
    message: "the I/O registry has no IOPlatformUUID",
    fix: "run `ioreg -rd1 -c IOPlatformExpertDevice` on the node",
    exit: EXIT.unavailable,
  });
}

async function freeBytes(path: string): Promise<number> {
  const stat = await statfs(path);
  return stat.bavail * stat.bsize;
}

export const darwin: Platform = {
  name: "darwin",
  accounts: darwinAccounts,
  machineId,
  users: darwinUsers,
  alwaysOn: darwinAlwaysOn,
  bootFacts,
  environmentFile,
  userEnvironment,
  hints: {
    listener: (port) => `sudo lsof -nP -iTCP:${port} -sTCP:LISTEN`,
    log: (unit) => `/var/log/gatehouse/${gatewayOf(unit)}.log`,
    environment: (unit) =>
      startOf(unit) === "boot"
        ? `\`launchctl print system/${unit}\``
        : `\`launchctl print gui/$(id -u)/${unit}\` as the gateway user`,
    lockPassword: (user) => `dscl . -delete /Users/${user} AuthenticationAuthority`,
    homes: "/Users",
  },
  freeBytes,
  checkRuntime,
  processesBelow,
  services: darwinServices,
  steward: darwinSteward,
  // its status command looks for a LaunchAgent under its own label (facts: macos.md 1.4)
  vendorSeesService: false,
  listenerUid,
  listenerAddresses,
  processEnvironment,
  executableOf,
  hardening,
  hardeningLimits: [
    "macOS gives one service no file system or system call sandbox: what fences this gateway in is its own user",
  ],
};
