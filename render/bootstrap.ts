import { readFileSync } from "node:fs";
import { EXIT, KNOWN_OPTION, RESULT_MARK } from "../node/protocol.ts";
import type { Downloads, MachineExpectation } from "../node/protocol.ts";
import { RUNTIME_TARGETS } from "../spec/runtime.ts";
import { gzipBase64 } from "./openclaw-lock.ts";
import { PINNED_NPM, nodeId, programId } from "./runtime-table.ts";
import type { PinnedArchive, PinnedNode } from "./runtime-table.ts";

const FIXED_PART = readFileSync(new URL("./bootstrap.sh", import.meta.url), "utf8");

export interface BootstrapInput {
  readonly machine: MachineExpectation;
  /** A registry that asks for a token is not supported: the token would have to live on the node. */
  readonly downloads: Downloads;
  readonly node: PinnedNode;
  /** npm of the pinned Node; default `PINNED_NPM`. */
  readonly npm?: PinnedArchive;
  /** `bundleNodeProgram()`. */
  readonly program: { readonly programText: string; readonly hash: string };
  /** Seconds until the script ends itself; default 300. */
  readonly watchdogSeconds?: number;
  /** Free megabytes that unpacking Node asks for; default 450. */
  readonly neededMegabytes?: number;
  /** Prefix of every path on the node, for tests; default none. */
  readonly root?: string;
}

/** `value` of the result line of a successful bootstrap. */
export interface BootstrapResult {
  readonly machineId: string;
  /** What Node calls platform and architecture: `linux-x64`. */
  readonly target: string;
  readonly nodePath: string;
  readonly programPath: string;
  /** `installed` by this run, or `present` from an earlier one. */
  readonly action: "installed" | "present";
}

/** A POSIX shell word, whatever is in `text`. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Where an archive is fetched from: npm's layout of tarball addresses, or the https URL itself. */
export function archiveUrl(source: string, registry: string): string {
  const npm = /^npm:(?<name>(?:@[^@/]+\/)?[^@/]+)@(?<version>[^@/]+)$/.exec(source)?.groups;
  if (npm === undefined) return source;
  const { name = "", version = "" } = npm;
  const basename = name.split("/").at(-1) ?? name;
  return `${registry.replace(/\/+$/, "")}/${name}/-/${basename}-${version}.tgz`;
}

function digestOf(integrity: string): { readonly bits: string; readonly hex: string } {
  const [algorithm = "", base64 = ""] = integrity.split(/-(.*)/s);
  return { bits: algorithm.replace("sha", ""), hex: Buffer.from(base64, "base64").toString("hex") };
}

/** `name=value` lines that describe one archive. */
function archiveSettings(prefix: string, archive: PinnedArchive, registry: string): string {
  const { bits, hex } = digestOf(archive.integrity);
  return [
    `${prefix}_url=${shellQuote(archiveUrl(archive.source, registry))}`,
    `${prefix}_bits=${bits}`,
    `${prefix}_hex=${hex}`,
  ].join("; ");
}

function settings(input: BootstrapInput): string {
  const { downloads, machine, node, program } = input;
  const root = input.root ?? "";
  const values: Record<string, string> = {
    root,
    prefix: `${root}/opt/gatehouse`,
    state: `${root}/var/lib/gatehouse`,
    node_version: `v${node.version}`,
    node_id: nodeId(node),
    program_id: programId({ node, programHash: program.hash }),
    program_hash: program.hash,
    known_option: KNOWN_OPTION,
    pinned_machine: machine.machineId ?? "",
    proxy: downloads.proxy ?? "",
    no_proxy_hosts: (downloads.noProxy ?? []).join(","),
    watchdog_seconds: String(input.watchdogSeconds ?? 300),
    needed_megabytes: String(input.neededMegabytes ?? 450),
    result_mark: RESULT_MARK,
    exit_unavailable: String(EXIT.unavailable),
    exit_os: String(EXIT.os),
    exit_permission: String(EXIT.permission),
    exit_refused: String(EXIT.refused),
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${shellQuote(value)}`)
    .join("\n");
}

function targetTable(input: BootstrapInput): string {
  const { registry } = input.downloads;
  const cases = RUNTIME_TARGETS.flatMap((target) => {
    const archive = input.node.archives[target];
    return archive === undefined ? [] : [`    ${target}) ${archiveSettings("node", archive, registry)} ;;`];
  });
  const npm = archiveSettings("npm", input.npm ?? PINNED_NPM, registry);
  return `select_archives() {\n  case $1 in\n${cases.join("\n")}\n    *) return 1 ;;\n  esac\n  ${npm}\n}`;
}

/** A function that prints `content`; the quoted delimiter keeps the shell's hands off it. */
function heredocFunction(name: string, content: string): string {
  const delimiter = "GATEHOUSE_END";
  if (content.includes(delimiter)) throw new Error(`${name}: the content contains the here-document's delimiter`);
  return `${name}() {\n  cat <<'${delimiter}'\n${content.trimEnd()}\n${delimiter}\n}`;
}

function base64Lines(base64: string): string {
  return base64.replaceAll(/.{1,76}/g, "$&\n");
}

/**
 * The bootstrap script: pinned Node and npm, checked before they are unpacked, and the on-node program. POSIX sh, for
 * dash, bash 3.2 and busybox; the whole text goes to the stdin of `BOOTSTRAP_COMMAND`. Nothing runs before its last
 * line, so a cut connection leaves the node untouched. The last line of stdout carries a `PhaseResult<BootstrapResult>`.
 */
export function renderBootstrap(input: BootstrapInput): string {
  return [
    "# Gatehouse bootstrap, generated by render/bootstrap.ts.",
    settings(input),
    targetTable(input),
    heredocFunction("program_base64", base64Lines(gzipBase64(input.program.programText))),
    heredocFunction("extra_ca_pem", input.downloads.extraCaPem ?? ""),
    FIXED_PART.trimEnd(),
    "main </dev/null",
    "exit",
    "",
  ].join("\n");
}
