import { processFacts } from "./processes.ts";
import type { ProcessFacts } from "./processes.ts";
import type { Profile } from "../services.ts";

/**
 * Where the running process has less than its unit asks for, one sentence each (DESIGN.md, decision 12: what
 * `systemd-analyze security` says of a user unit proves nothing).
 */
export function hardeningFindings(profile: Profile, facts: ProcessFacts): readonly string[] {
  const namespaced = profile === "namespaced";
  const expectations: readonly (readonly [boolean, string])[] = [
    [facts.noNewPrivileges, "NoNewPrivileges is not in force"],
    [facts.seccompFilter, "no system call filter is in force"],
    [facts.umask === "0077", `the umask is ${facts.umask}, not 0077`],
    [facts.coreLimit === "0", "core dumps are not off"],
    [!namespaced || facts.ownUserNamespace, "PrivateUsers is not in force"],
    [!namespaced || facts.ownMountNamespace, "mount sandboxing is not in force"],
    [!namespaced || /^0+$/.test(facts.capabilityBounding), "the capability bounding set is not empty"],
    [
      namespaced,
      "this node's user manager may not create user namespaces: file system sandboxing is off (sysctl kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns)",
    ],
  ];
  return expectations.filter(([met]) => !met).map(([, finding]) => finding);
}

/** Of a running process; as root. */
export async function hardening(profile: Profile, pid: number): Promise<readonly string[]> {
  return hardeningFindings(profile, await processFacts(pid));
}
