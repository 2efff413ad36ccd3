import { exec } from "../../lib/exec.ts";
import { rootLink, LINK_VARIABLE } from "../../lib/root-link.ts";

const SECONDS = 15;

interface Listener {
  readonly user: string;
  readonly address: string;
}

/** Columns of `lsof -nP -iTCP:PORT -sTCP:LISTEN`: COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME (LISTEN). */
export function parseListeners(text: string): readonly Listener[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\S+\s+\d+\s+(\S+)\s.*\sTCP\s+(\S+):\d+ \(LISTEN\)$/.exec(line.trimEnd());
    if (match === null) return [];
    const address = (match[2] ?? "").replace(/^\[(.*)\]$/, "$1");
    return [{ user: match[1] ?? "", address: address === "*" ? "::" : address }];
  });
}

/** lsof shows a user its own processes only; it ends with 1 when it shows nothing. */
async function listeners(port: number): Promise<readonly Listener[]> {
  const { stdout } = await exec(["/usr/sbin/lsof", "-nP", `-iTCP:${port}`, "-sTCP:LISTEN"], {
    timeoutSeconds: SECONDS,
  });
  return parseListeners(stdout);
}

/** Uid of whoever listens on a TCP port. A step that runs as a gateway's user asks root, who sees everybody. */
export async function listenerUid(port: number): Promise<number | undefined> {
  if (process.getuid?.() !== 0 && process.env[LINK_VARIABLE] !== undefined) {
    const uid = await rootLink().ask({ verb: "listener", port });
    return typeof uid === "number" ? uid : undefined;
  }
  const [first] = await listeners(port);
  if (first === undefined) return undefined;
  const { stdout } = await exec(["/usr/bin/id", "-u", first.user], { timeoutSeconds: SECONDS });
  return Number(stdout.trim());
}

export async function listenerAddresses(port: number): Promise<readonly string[]> {
  return [...new Set((await listeners(port)).map(({ address }) => address))];
}

/**
 * Variables of `ps -E`'s one line: command and assignments, with blanks between. A value with a blank before something
 * that looks like an assignment cannot be told from two variables.
 */
export function parseEnvironment(line: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const starts = [...line.matchAll(/(?:^| )([A-Za-z_][A-Za-z0-9_]*)=/g)];
  starts.forEach((match, index) => {
    const from = match.index + match[0].length;
    const to = starts[index + 1]?.index ?? line.length;
    variables.set(match[1] ?? "", line.slice(from, to));
  });
  return variables;
}

/**
 * What a process of the own user was started with; null where the system does not show it, which proves nothing.
 * `ps -E` shows it for processes that the kernel does not restrict.
 */
export async function processEnvironment(pid: number): Promise<ReadonlyMap<string, string> | null> {
  const { status, stdout } = await exec(["/bin/ps", "-E", "-ww", "-o", "command=", "-p", String(pid)], {
    timeoutSeconds: SECONDS,
    keepBytes: 4 * 1024 * 1024,
  });
  const found = parseEnvironment(stdout.trimEnd());
  // every job of ours has one; without it nothing of the environment was shown
  return status === 0 && found.has("XPC_SERVICE_NAME") ? found : null;
}

/** The file that a process runs. */
export async function executableOf(pid: number): Promise<string> {
  const { stdout } = await exec(["/usr/sbin/lsof", "-a", "-p", String(pid), "-d", "txt", "-Fn"], {
    timeoutSeconds: SECONDS,
  });
  const fromFiles = stdout
    .split("\n")
    .find((line) => line.startsWith("n/"))
    ?.slice(1);
  if (fromFiles !== undefined) return fromFiles;
  const { stdout: command } = await exec(["/bin/ps", "-o", "comm=", "-p", String(pid)], { timeoutSeconds: SECONDS });
  const path = command.trim();
  if (path.startsWith("/")) return path;
  throw new Error("the program of a process cannot be told");
}

/** Pids of processes that run `executable` with a working directory at or below `directory`; by root. */
export async function processesBelow(directory: string, executable: string): Promise<number[]> {
  const { stdout } = await exec(["/usr/sbin/lsof", "-nP", "-a", "-d", "cwd", "-Fpn"], {
    timeoutSeconds: SECONDS,
    keepBytes: 8 * 1024 * 1024,
  });
  const found: number[] = [];
  let pid = 0;
  for (const line of stdout.split("\n")) {
    if (line.startsWith("p")) pid = Number(line.slice(1));
    const cwd = line.startsWith("n") ? line.slice(1) : "";
    if (cwd !== directory && !cwd.startsWith(`${directory}/`)) continue;
    if ((await executableOf(pid).catch(() => "")) === executable) found.push(pid);
  }
  return found;
}

/** Where a running process has less than its job promises. */
export async function hardening(_profile: string, pid: number): Promise<readonly string[]> {
  const { stdout } = await exec(["/bin/ps", "-o", "uid=", "-p", String(pid)], { timeoutSeconds: SECONDS });
  const uid = stdout.trim();
  return [
    ...(/^\d+$/.test(uid) ? [] : ["the process could not be looked at"]),
    ...(uid === "0" ? ["the process runs as root"] : []),
  ];
}
