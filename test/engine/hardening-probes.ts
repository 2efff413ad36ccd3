import { NAMESPACE_DIRECTIVES } from "../../render/hardening.ts";

/** Numbers that differ between the architectures that a node may have. */
const CALLS = {
  x64: { personality: 135, schedSetscheduler: 144, clockSettime: 227, ptrace: 101, unshare: 272, keyctl: 250 }, // prettier-ignore
  arm64: { personality: 92, schedSetscheduler: 119, clockSettime: 112, ptrace: 117, unshare: 97, keyctl: 219 }, // prettier-ignore
} as const;

function callsHere(): (typeof CALLS)["x64" | "arm64"] {
  const { arch } = process;
  if (arch !== "x64" && arch !== "arm64") throw new Error(`no system call numbers for ${arch}`);
  return CALLS[arch];
}

const CLONE_NEWUSER = 0x1000_0000;
const ADDR_NO_RANDOMIZE = 0x4_0000;
const AF_PACKET = 17;

/** `errno` of a process that the filter stops; the unit says so (`SystemCallErrorNumber`). */
const BY_FILTER = /^errno 1$/;
const DONE = /^done$/;

/** A system call by its arguments; prints `done` or `errno N`. */
function call(number: number, ...args: readonly (number | string)[]): string {
  return `perl -e 'print syscall(${[number, ...args].join(", ")}) < 0 ? "errno " . ($! + 0) : "done", "\\n"'`;
}

/** Prints `done` when the command succeeds, else its last words. */
function attempt(command: string): string {
  return `if words=$({ ${command}; } 2>&1); then echo done; else echo "$words" | tail -n 1; fi`;
}

/**
 * One thing that the unit forbids. `directives` are those that forbid it: without them, and with everything else of the
 * unit, it has to work, or fail in the way that the kernel has for everybody.
 */
export interface Probe {
  readonly what: string;
  readonly directives: readonly string[];
  /** Taken away from both runs, because they forbid the same. */
  readonly beside?: readonly string[];
  /** Shell script; `$HOME` is the gateway user's. */
  readonly script: string;
  readonly forbidden: RegExp;
  readonly otherwise: RegExp;
  /** Why a throw-away node cannot show the difference; then the control is told and not run. */
  readonly uncontrolled?: string;
  /** Also forbidden where the user manager may not create user namespaces. */
  readonly everywhere?: true;
}

const { personality, schedSetscheduler, clockSettime, ptrace, unshare, keyctl } = callsHere();

/** Everything that the manager sets no_new_privs for, and what it cannot do without a user namespace. */
const IMPLY_NO_NEW_PRIVILEGES = [
  "NoNewPrivileges",
  ...NAMESPACE_DIRECTIVES,
  "LockPersonality",
  "RestrictRealtime",
  "RestrictNamespaces",
  "RestrictAddressFamilies",
  "SystemCallArchitectures",
  "SystemCallFilter",
  "ProtectClock",
  "ProtectKernelModules",
  "ProtectKernelTunables",
];

/** The smallest 32-bit program: `exit(0)` in the system calls of i386. */
export function i386Program(): Buffer {
  const code = Buffer.from("b80100000031dbcd80", "hex");
  const address = 0x0804_8000;
  const header = Buffer.alloc(84);
  header.write("\x7fELF\x01\x01\x01", "latin1");
  // e_type, e_machine, then e_version, e_entry, e_phoff
  for (const [at, value] of [[16, 2], [18, 3], [40, 52], [42, 32], [44, 1]] as const) header.writeUInt16LE(value, at); // prettier-ignore
  for (const [at, value] of [[20, 1], [24, address + 84], [28, 52]] as const) header.writeUInt32LE(value, at); // prettier-ignore
  const size = header.length + code.length;
  for (const [index, value] of [1, 0, address, address, size, size, 5, 0x1000].entries())
    header.writeUInt32LE(value, 52 + 4 * index);
  return Buffer.concat([header, code]);
}

export const PROBES: readonly Probe[] = [
  {
    what: "write where everybody may, outside its own directories",
    directives: ["ProtectSystem"],
    script: attempt("touch /var/tmp/probe"),
    forbidden: /Read-only file system/,
    otherwise: DONE,
  },
  {
    what: "write elsewhere in its home, such as a file that a login would run",
    directives: ["ProtectHome", "ProtectSystem"],
    script: attempt("touch $HOME/.profile"),
    forbidden: /Read-only file system/,
    otherwise: DONE,
  },
  {
    what: "change the unit that starts it",
    beside: ["ProtectSystem"],
    directives: ["ProtectHome"],
    script: attempt("touch $HOME/.config/systemd/user/other.service"),
    forbidden: /Read-only file system/,
    otherwise: DONE,
  },
  {
    what: "read staged credentials and generations",
    directives: ["InaccessiblePaths"],
    script: attempt("cat $HOME/.gatehouse/agents/research/credentials.json >/dev/null"),
    forbidden: /Permission denied/,
    otherwise: DONE,
  },
  {
    what: "start a process outside its fence through the user manager",
    directives: ["InaccessiblePaths"],
    script: attempt("systemd-run --user --quiet --wait true"),
    forbidden: /Failed to connect to (user scope )?bus/,
    otherwise: DONE,
  },
  {
    what: "see other users as themselves",
    directives: NAMESPACE_DIRECTIVES,
    script: attempt('[ "$(stat -c %U /home/nosudo)" = nosudo ] || { echo "owned by $(stat -c %U /home/nosudo)"; false; }'), // prettier-ignore
    forbidden: /owned by nobody/,
    otherwise: DONE,
  },
  {
    what: "see devices beyond the harmless ones",
    directives: ["PrivateDevices"],
    script: attempt("ls -d /dev/net/tun"),
    forbidden: /No such file/,
    otherwise: DONE,
  },
  {
    what: "make control groups of its own",
    directives: ["ProtectControlGroups"],
    script: attempt("mkdir /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/probe"),
    forbidden: /Read-only file system/,
    otherwise: DONE,
  },
  {
    what: "keep a capability that it could ever gain",
    directives: ["CapabilityBoundingSet"],
    script: attempt("grep ^CapBnd: /proc/self/status; ! grep -q '^CapBnd:\\s*0*$' /proc/self/status"),
    forbidden: /CapBnd:\s*0+$/,
    otherwise: DONE,
  },
  {
    what: "become root through a setuid program",
    directives: IMPLY_NO_NEW_PRIVILEGES,
    script: attempt('[ "$(/opt/probe/setuid-id -u)" = 0 ] || { echo "still itself"; false; }'),
    forbidden: /still itself/,
    otherwise: DONE,
    everywhere: true,
  },
  {
    what: "leave a file that others may read",
    directives: ["UMask"],
    script: attempt('rm -f /tmp/probe; touch /tmp/probe; mode=$(stat -c %a /tmp/probe); echo "mode $mode"; [ $mode != 600 ]'), // prettier-ignore
    forbidden: /mode 600/,
    otherwise: DONE,
    everywhere: true,
  },
  {
    what: "leave its memory on disk when it crashes",
    directives: ["LimitCORE"],
    script: attempt("ulimit -c unlimited"),
    forbidden: /ulimit/,
    otherwise: DONE,
    everywhere: true,
  },
  {
    what: "switch address randomisation off",
    directives: ["LockPersonality"],
    script: call(personality, ADDR_NO_RANDOMIZE),
    forbidden: BY_FILTER,
    otherwise: DONE,
    everywhere: true,
  },
  {
    what: "ask for real-time scheduling",
    directives: ["RestrictRealtime"],
    // without parameters, which the kernel refuses before it looks at privileges
    script: call(schedSetscheduler, 0, 1, 0),
    forbidden: BY_FILTER,
    otherwise: /^errno 22$/,
    everywhere: true,
  },
  {
    what: "make a user namespace, in which it would be root",
    directives: ["RestrictNamespaces"],
    script: call(unshare, CLONE_NEWUSER),
    forbidden: BY_FILTER,
    otherwise: DONE,
    everywhere: true,
  },
  {
    what: "open a raw packet socket",
    directives: ["RestrictAddressFamilies"],
    script: `perl -e 'print socket(my $s, ${AF_PACKET}, 3, 0) ? "done" : "errno " . ($! + 0), "\\n"'`,
    forbidden: /^errno 97$/,
    // the kernel wants a capability for it
    otherwise: /^errno 1$/,
    everywhere: true,
  },
  {
    what: "trace a process",
    directives: ["SystemCallFilter"],
    script: call(ptrace, 0),
    forbidden: BY_FILTER,
    otherwise: DONE,
    everywhere: true,
  },
  {
    what: "set the clock",
    directives: ["ProtectClock", "SystemCallFilter"],
    // without a time, which the kernel refuses before it looks at privileges
    script: call(clockSettime, 0, 0),
    forbidden: BY_FILTER,
    otherwise: /^errno 14$/,
    uncontrolled: "systemd-nspawn keeps the clock from every process of the node",
    everywhere: true,
  },
  {
    what: "run a program of another architecture, past the filter's numbers",
    directives: ["SystemCallArchitectures"],
    script: "/opt/probe/i386 && echo done",
    forbidden: /Bad system call/,
    otherwise: DONE,
    everywhere: true,
  },
  {
    what: "learn where the kernel's functions are",
    directives: ["ProtectKernelTunables"],
    script: attempt("head -c 1 /proc/kallsyms >/dev/null"),
    forbidden: /Permission denied/,
    otherwise: DONE,
  },
  {
    what: "look at kernel modules",
    directives: ["ProtectKernelModules"],
    script: attempt("ls /usr/lib/modules"),
    forbidden: /Permission denied/,
    otherwise: DONE,
  },
  {
    what: "be killed by a blocked call instead of being told",
    directives: ["SystemCallErrorNumber"],
    script: `${call(ptrace, 0)} >/dev/null || echo done`,
    forbidden: /^$/,
    otherwise: /done$/,
    everywhere: true,
  },
];

/** What the unit must leave to the gateway; `without` takes it away. */
export const PERMITTED: readonly { readonly what: string; readonly script: string; readonly without?: string }[] = [
  ...["$HOME/.openclaw", "$HOME/workspaces/research", "$HOME/.cache", "/tmp"].map((directory) => ({
    what: `write in ${directory}`,
    script: attempt(`echo x > ${directory}/probe && rm ${directory}/probe`),
    without: "ReadWritePaths",
  })),
  { what: "run its own programs", script: attempt("ls /opt/gatehouse/node/*/bin/node | sh -c 'read node; exec $node -p 1'") }, // prettier-ignore
  ...["AF_INET", "AF_INET6", "AF_UNIX"].map((family) => ({
    what: `open a socket of ${family}`,
    script: `perl -MSocket -e 'print socket(my $s, ${family}, SOCK_STREAM, 0) ? "done" : $!, "\\n"'`,
  })),
];

/** Directives that a throw-away node gives no way to try. */
export const UNTRIED: readonly { readonly directive: string; readonly reason: string; readonly script: string }[] = [
  {
    directive: "KeyringMode",
    reason: "systemd-nspawn keeps key rings from every process of the node",
    // KEYCTL_GET_KEYRING_ID of the session's ring
    script: call(keyctl, 0, -3, 0),
  },
];
