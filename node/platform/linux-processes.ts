import { readFile, readlink } from "node:fs/promises";
import type { ProcessFacts } from "./services.ts";

const LISTEN = "0A";

/** Uid of whoever listens on a TCP port of this machine; undefined when nobody does. */
export async function listenerUid(port: number): Promise<number | undefined> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const lines = (await readFile(table, "utf8").catch(() => "")).split("\n").slice(1);
    for (const line of lines) {
      const [, local = "", , state = "", , , , uid = ""] = line.trim().split(/\s+/);
      if (state === LISTEN && local.endsWith(`:${hexPort}`)) return Number(uid);
    }
  }
  return undefined;
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
