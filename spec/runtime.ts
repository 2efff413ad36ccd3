import { z } from "zod";
import { isOlder } from "./version.ts";

/** Machine kinds a runtime exists for, as Node names them. */
export const RUNTIME_TARGETS = ["linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64"] as const;
export type RuntimeTarget = (typeof RUNTIME_TARGETS)[number];

const integritySchema = z
  .string()
  .regex(
    /^sha(256-[A-Za-z0-9+/]{43}=|512-[A-Za-z0-9+/]{86}==)$/,
    "expected a subresource integrity: sha512-… or sha256-… in base64",
  );

/** One archive of Node and the digest it must have. */
export const nodeArchiveSchema = z.strictObject({
  /** `npm:NAME@VERSION` (fetched from the node's registry) or an https URL of a .tar.gz. */
  source: z
    .string()
    .regex(/^(npm:[a-z0-9@/._-]+@[0-9][0-9A-Za-z.-]*|https:\/\/[^\s]+)$/, "expected npm:NAME@VERSION or an https URL"),
  /** Subresource integrity of the archive: `sha512-…` or `sha256-…`. */
  integrity: integritySchema,
});

/** Node 24, the line OpenClaw 2026.9.6 supports from 24.16.0 on (its `engines` field). */
const nodeVersionSchema = z
  .string()
  .regex(
    /^24\.(1[6-9]|[2-9][0-9])\.[0-9]+$/,
    "expected Node 24.16.0 or newer in the 24 line, written in full (24.21.0)",
  );

/**
 * The oldest version that is provisioned: CVE-2026-25253 (token sent to a foreign gateway) is fixed in 2026.1.29, and
 * public advisories on token scopes and stale authentication reach up to this one.
 */
export const MINIMUM_OPENCLAW_VERSION = "2026.4.8";

/** `YYYY.M.D`, each a number. */
const openclawVersionSchema = z
  .string()
  .regex(/^20[0-9]{2}\.[0-9]{1,2}\.[0-9]{1,3}$/, "expected an exact OpenClaw version such as 2026.9.6")
  .refine((version) => !isOlder(version, MINIMUM_OPENCLAW_VERSION), {
    message: `is older than ${MINIMUM_OPENCLAW_VERSION}, below which security advisories are open (CVE-2026-25253 and later)`,
  });

export const DEFAULT_NODE_VERSION = "24.21.0";
export const DEFAULT_OPENCLAW_VERSION = "2026.9.6";

export const runtimeSchema = z.strictObject({
  /** The Node.js that OpenClaw runs on. */
  node: z
    .strictObject({
      /** Full version in the 24 line, 24.16.0 or newer. */
      version: nodeVersionSchema.default(DEFAULT_NODE_VERSION),
      /** Archives by machine kind; needed for another version than the default one. */
      archives: z.partialRecord(z.enum(RUNTIME_TARGETS), nodeArchiveSchema).optional(),
    })
    .prefault({}),
  /** The OpenClaw package. */
  openclaw: z
    .strictObject({
      /** Exact version, 2026.4.8 or newer. */
      version: openclawVersionSchema.default(DEFAULT_OPENCLAW_VERSION),
      /** Operator-side directory with `package.json` and `package-lock.json`; needed for another version than the default one. */
      lockDirectory: z.string().min(1).optional(),
    })
    .prefault({}),
});
export type RuntimeSpec = z.output<typeof runtimeSchema>;

/** How a node reaches package registries. */
export const downloadsSchema = z.strictObject({
  /** npm registry or mirror; default: the operator's npm configuration. */
  registry: z.url({ protocol: /^https?$/ }).optional(),
  /** HTTP(S) proxy of the node's downloads. */
  proxy: z.url({ protocol: /^https?$/ }).optional(),
  /** Hosts that bypass the proxy. */
  noProxy: z.array(z.string().min(1)).optional(),
  /** PEM files on the operator's machine with further certificate authorities to trust. */
  extraCaCertificates: z.array(z.string().min(1)).optional(),
});
export type DownloadsSpec = z.output<typeof downloadsSchema>;
