import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A socket that listens, from the tables of the kernel underneath. */
export interface Listener {
  readonly inode: string;
  readonly address: string;
  readonly port: number;
  readonly family: "IPv4" | "IPv6";
}

const LISTEN = "0A";

/** `/proc/net` writes an address as 32-bit words in the byte order of the machine, little-endian here. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => `${bytes[2 * index] ?? ""}${bytes[2 * index + 1] ?? ""}`);
  return new URL(`http://[${groups.join(":")}]`).hostname;
}

export function listeners(): Listener[] {
  return (["IPv4", "IPv6"] as const).flatMap((family) =>
    readFileSync(family === "IPv4" ? "/proc/net/tcp" : "/proc/net/tcp6", "utf8")
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const fields = line.trim().split(/\s+/);
        const [address = "", port = ""] = (fields[1] ?? "").split(":");
        if (fields[3] !== LISTEN) return [];
        return [{ inode: fields[9] ?? "", address: addressOf(address), port: Number.parseInt(port, 16), family }];
      }),
  );
}

export interface ProcessEntry {
  readonly pid: number;
  readonly uid: number;
  readonly command: string;
}

/** Processes that the caller may look into: its own, or all for root. */
export function processes(): ProcessEntry[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1]);
      const command = readFileSync(`/proc/${name}/comm`, "utf8").trim();
      const own = process.getuid?.() ?? 0;
      return own === 0 || own === uid ? [{ pid: Number(name), uid, command }] : [];
    } catch {
      // it has just ended
      return [];
    }
  });
}

/** Number -> target of every open file; empty when the process is gone. */
export function openFiles(pid: number): Map<number, string> {
  try {
    const folder = `/proc/${pid}/fd`;
    return new Map(readdirSync(folder).map((name) => [Number(name), readlinkSync(`${folder}/${name}`)]));
  } catch {
    return new Map();
  }
}

/** Target of `cwd` or `exe`; undefined when the process is gone. */
export function linkOf(pid: number, name: "cwd" | "exe"): string | undefined {
  try {
    // the served Node is started by a launcher of this name (node-archive.ts)
    return readlinkSync(`/proc/${pid}/${name}`).replace(/\/libexec\/node$/, "/bin/node");
  } catch {
    return undefined;
  }
}
