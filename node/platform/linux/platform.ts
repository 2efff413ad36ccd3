import { readFile, readdir, readlink, statfs } from "node:fs/promises";
import { join } from "node:path";
import { EXIT } from "../../protocol.ts";
import { PhaseFailure } from "../../lib/failure.ts";
import type { Platform } from "../index.ts";
import { renderEnvironmentFile } from "../../environment-file.ts";
import { bootFacts } from "./boot.ts";
import { userEnvironment } from "./environment.ts";
import { hardening } from "./hardening.ts";
import { executableOf, listenerAddresses, listenerUid, processEnvironment } from "./processes.ts";
import { linuxServices } from "./services.ts";
import { allowSleep, preventSleep, sleepObjections } from "./sleep.ts";
import { linuxUsers } from "./users.ts";

async function machineId(): Promise<string> {
  const id = await readFile("/etc/machine-id", "utf8").then(
    (content) => content.trim(),
    () => "",
  );
  if (/^[0-9a-f]{32}$/.test(id)) return id;
  throw new PhaseFailure({
    layer: "host",
    code: "machine-id",
    message: "/etc/machine-id holds no machine id",
    fix: "run `systemd-machine-id-setup` on the node",
    exit: EXIT.unavailable,
  });
}

/** What `statfs` calls available is what unprivileged users get; root may use the reserve, but a full disk hurts all. */
async function freeBytes(path: string): Promise<number> {
  const stat = await statfs(path);
  return stat.bavail * stat.bsize;
}

async function processesBelow(directory: string, executable: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const link = (what: string): Promise<string> => readlink(join("/proc", name, what)).catch(() => "");
    const cwd = await link("cwd");
    if (cwd !== directory && !cwd.startsWith(`${directory}/`)) continue;
    if ((await link("exe")) === executable) found.push(Number(name));
  }
  return found;
}

export const linux: Platform = {
  name: "linux",
  accounts: {
    boot: {
      // `UID_MIN` of login.defs; `nobody` is 65534
      uids: { first: 1000, last: 0xffff_fffe },
      privilegedGroups: [
        "root",
        "sudo",
        "wheel",
        "admin",
        "adm",
        "docker",
        "lxd",
        "incus-admin",
        "libvirt",
        "disk",
        "shadow",
        "systemd-journal",
      ],
      personal: false,
    },
  },
  machineId,
  users: linuxUsers,
  alwaysOn: { objections: sleepObjections, keep: preventSleep, release: allowSleep },
  bootFacts,
  environmentFile: { path: "gateway.systemd.env", render: renderEnvironmentFile },
  userEnvironment,
  hints: {
    listener: (port) => `ss -ltnp 'sport = :${port}'`,
    log: (unit) => `\`journalctl --user --unit ${unit}\` as the gateway user`,
    environment: (unit) => `\`systemctl --user cat ${unit}\` and ~/.config/environment.d as the gateway user`,
    lockPassword: (user) => `passwd --lock ${user}`,
    homes: "/home",
  },
  freeBytes,
  checkRuntime: () => Promise.resolve(),
  processesBelow,
  services: linuxServices,
  // the user has a service manager of its own
  steward: {
    keepUnit: () => Promise.resolve(),
    forgetUnits: () => Promise.resolve(),
    canStart: () => Promise.resolve(true),
    handlerFor: () => Promise.resolve(undefined),
  },
  vendorSeesService: true,
  listenerUid,
  listenerAddresses,
  processEnvironment,
  executableOf,
  hardening,
  hardeningLimits: [],
};
