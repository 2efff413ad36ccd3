import type { GatewayLayout } from "./layout.ts";

/**
 * Directives that the user manager enforces through a user namespace. On systemd 252 all mount directives are silently
 * ignored without `PrivateUsers=yes`; some distributions refuse that (facts: secret-managers.md 3.4), and then
 * `seccompOnly` takes exactly these away.
 */
export const NAMESPACE_DIRECTIVES = [
  "PrivateUsers",
  "ProtectSystem",
  "ProtectHome",
  "ReadWritePaths",
  "BindReadOnlyPaths",
  "InaccessiblePaths",
  "PrivateDevices",
  "ProtectControlGroups",
  "CapabilityBoundingSet",
] as const;

/**
 * Enforced with and without a user namespace. Not here: `MemoryDenyWriteExecute`, which kills Node, and
 * `RestrictSUIDSGID`, which answers `openat2` with ENOSYS, so that OpenClaw 2026.9.6 cannot take its locks (measured on
 * systemd 252: "failed to acquire gateway lock … openat2 beneath root: Function not implemented").
 */
const ALWAYS = [
  "NoNewPrivileges=yes",
  "UMask=0077",
  "LimitCORE=0",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictNamespaces=yes",
  // without AF_NETLINK Node cannot list network interfaces
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallErrorNumber=EPERM",
  "KeyringMode=private",
  "ProtectClock=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
];

/** `[Service]` lines that fence the gateway in, for a user manager that may create user namespaces. */
export function hardeningDirectives(layout: GatewayLayout): string[] {
  return [
    "PrivateUsers=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    // /tmp stays the host's: the vendor keeps the locks between gateway and command line there, under a fixed path
    `ReadWritePaths=${layout.stateDir} ${layout.workspacesDir} ${layout.cacheDir} /tmp`,
    // generations and staged credentials, and the sockets over which the user manager would start a process outside the fence
    `InaccessiblePaths=-${layout.gatehouseDir} -%t/bus -%t/systemd`,
    "PrivateDevices=yes",
    "ProtectControlGroups=yes",
    "CapabilityBoundingSet=",
    ...ALWAYS,
  ];
}

/** The same unit without what needs a user namespace; everything else stays byte for byte. */
export function seccompOnly(unit: string): string {
  return unit
    .split("\n")
    .filter((line) => !NAMESPACE_DIRECTIVES.some((directive) => line.startsWith(`${directive}=`)))
    .join("\n");
}
