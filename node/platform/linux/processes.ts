import { readFile, readlink } from "node:fs/promises";

/** What the kernel really gives a process (DESIGN.md, decision 12). */
export interface ProcessFacts {
  readonly uid: number;
  readonly noNewPrivileges: boolean;
  readonly seccompFilter: boolean;
  /** It has a user namespace of its own. */
  readonly ownUserNamespace: boolean;
  /** It has a mount namespace of its own. */
  readonly ownMountNamespace: boolean;
  readonly capabilityBounding: string;
  readonly umask: string;
  readonly coreLimit: string;
}

const LISTEN = "0A";

interface Listener {
  readonly address: string;
  readonly uid: number;
}

/** `/proc/net` writes an address as 32-bit words in the byte order of the machine, which is little-endian on all of ours. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => `${bytes[2 * index] ?? ""}${bytes[2 * index + 1] ?? ""}`);
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

async function listeners(port: number): Promise<readonly Listener[]> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((table) => readFile(table, "utf8").catch(() => "")),
  );
  return tables
    .flatMap((table) => table.split("\n").slice(1))
    .flatMap((line) => {
      const [, local = "", , state = "", , , , uid = ""] = line.trim().split(/\s+/);
      const [address = "", own] = local.split(":");
      return state === LISTEN && own === hexPort ? [{ address: addressOf(address), uid: Number(uid) }] : [];
    });
}

/** Uid of whoever listens on a TCP port of this machine; undefined when nobody does. */
export async function listenerUid(port: number): Promise<number | undefined> {
  return (await listeners(port))[0]?.uid;
}

/** Addresses on which a TCP port of this machine is listened on, each once. */
export async function listenerAddresses(port: number): Promise<readonly string[]> {
  return [...new Set((await listeners(port)).map(({ address }) => address))];
}

/** What a process of the own user was started with. */
export async function processEnvironment(pid: number): Promise<ReadonlyMap<string, string>> {
  const assignments = (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0").filter((text) => text !== "");
  return new Map(
    assignments.map((text) => {
      const separator = text.indexOf("=");
      return [text.slice(0, separator), text.slice(separator + 1)];
    }),
  );
}

/** As the process's own user or root. */
export async function executableOf(pid: number): Promise<string> {
  return await readlink(`/proc/${pid}/exe`);
}

/** Reads `/proc/PID`; as root, since another user's process does not show its namespaces. */
export async function processFacts(pid: number): Promise<ProcessFacts> {
  const base = `/proc/${pid}`;
  const [status, limits] = await Promise.all([readFile(`${base}/status`, "utf8"), readFile(`${base}/limits`, "utf8")]);
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
  const differs = async (namespace: string): Promise<boolean> =>
    (await readlink(`${base}/ns/${namespace}`)) !== (await readlink(`/proc/self/ns/${namespace}`));
  const [ownUserNamespace, ownMountNamespace] = await Promise.all([differs("user"), differs("mnt")]);
  return {
    uid: Number(field("Uid").split(/\s+/)[0]),
    noNewPrivileges: field("NoNewPrivs") === "1",
    seccompFilter: field("Seccomp") === "2",
    ownUserNamespace,
    ownMountNamespace,
    capabilityBounding: field("CapBnd"),
    umask: field("Umask"),
    coreLimit: /^Max core file size\s+(\S+)/m.exec(limits)?.[1] ?? "",
  };
}
