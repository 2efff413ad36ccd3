import { z } from "zod";
import { mask } from "../render/mask.ts";
import { OperationError } from "./error.ts";

const place = z.object({ provider: z.string(), variable: z.string(), ref: z.string() });

const delivered = place.extend({
  resolve: z.literal("deploy").default("deploy"),
  fingerprint: z.string(),
  /** First four and last four characters of the key, where that is safe. */
  masked: z.string(),
});

const readByNode = place.extend({
  resolve: z.literal("node"),
  /** What the running process was given, as the manager names it; null where it has no versions. */
  version: z.string().nullable(),
});

const credential = z.union([readByNode, delivered]);

const device = z.object({ id: z.string(), client: z.string(), platform: z.string() });

const gateway = z.object({
  environment: z.string(),
  user: z.string(),
  port: z.int(),
  /** `ws://127.0.0.1:PORT`, `wss://` with HTTPS, as seen on the node. */
  endpoint: z.string(),
  unit: z.string(),
  generation: z.string(),
  previousGeneration: z.string().nullish(),
  rollbackPoints: z.int(),
  health: z.string(),
  unitState: z.string(),
  openclawVersion: z.string(),
  hardening: z.object({ profile: z.string(), findings: z.array(z.string()) }),
  interruptionSeconds: z.number(),
  /** What the gate proved of the last switch's process: all its variables (null: not shown by the system), and that the token before is refused. */
  proof: z
    .object({
      variables: z.int().nullable(),
      oldTokenRefused: z.literal(true).nullable(),
      /** Agents with a key in a file, which only their next turn shows in use. */
      unconfirmedAgents: z.array(z.string()).default([]),
    })
    .nullish(),
  /** What `openclaw policy check` attests of the configuration; hashes are the vendor's. */
  vendorPolicy: z.object({ attestationHash: z.string(), policyHash: z.string(), checks: z.int() }).nullish(),
  /** Paired devices after a token rotation; null when the last run rotated no token. */
  devices: z.object({ removed: z.array(device), kept: z.array(device) }).nullish(),
  tokenFingerprint: z.string(),
  /** Its HTTPS certificate; null where it speaks plain HTTP. Dates in RFC 3339. */
  certificate: z
    .object({ fingerprint: z.string(), notBefore: z.string(), notAfter: z.string(), due: z.string() })
    .nullish(),
  agents: z.record(z.string(), z.object({ model: z.string(), credentials: z.array(credential) })),
});

const node = z.object({
  host: z.string(),
  port: z.int(),
  user: z.string(),
  platform: z.string(),
  machineId: z.string(),
  nodeVersion: z.string(),
  openclawVersion: z.string(),
  gateways: z.record(z.string(), gateway),
});

const ledgerLine = z.object({
  track: z.enum(["gateway", "provider", "access", "certificate"]),
  principal: z.string(),
  node: z.string(),
  gateway: z.string(),
  environment: z.string(),
  provider: z.string().nullable(),
  ref: z.string().nullable(),
  /** Null where the node reads the value itself. */
  fingerprint: z.string().nullable(),
  masked: z.string().nullable(),
  /** What the running process was given, where the node reads it from a manager that has versions. */
  version: z.string().nullable().default(null),
  variable: z.string().nullable(),
  unit: z.string().nullable(),
  /** RFC 3339; null until a node confirmed it. */
  issued: z.string().nullable(),
  rotated: z.string().nullable(),
  due: z.string().nullable(),
});

const principal = z.object({
  name: z.string(),
  kind: z.string(),
  environment: z.string(),
  keyVersion: z.int(),
  /** `SHA256:…`, as OpenSSH shows it. */
  fingerprint: z.string(),
  gateways: z.array(
    z.object({
      node: z.string(),
      gateway: z.string(),
      from: z.array(z.string()),
      tunnel: z.string(),
      command: z.string().nullable(),
    }),
  ),
});

const stackOutputs = z.object({
  nodes: z.record(z.string(), node).default({}),
  /** The authority behind the gateways' HTTPS; null where no gateway has it. `notAfter` is RFC 3339. */
  certificateAuthority: z
    .object({ certificate: z.string(), fingerprint: z.string(), notAfter: z.string() })
    .nullable()
    .default(null),
  /** Every credential with its dates. */
  ledger: z.array(ledgerLine).default([]),
  /** SECRET: the values. Show them only through `publicOutputs`. */
  gatewayTokens: z.record(z.string(), z.string()).default({}),
  /** CI runners and people, and what each may reach. */
  principals: z.array(principal).default([]),
  /** SECRET: the private SSH keys that were made. Show only through `publicOutputs`. */
  principalKeys: z.record(z.string(), z.string()).default({}),
});

/** What a stack provides, by node and gateway name. Empty before the first `up` and after `destroy`. */
export type StackOutputs = z.output<typeof stackOutputs>;
export type NodeOutputs = z.output<typeof node>;
export type LedgerLine = z.output<typeof ledgerLine>;
export type CredentialOutputs = z.output<typeof credential>;
export type GatewayOutputs = z.output<typeof gateway>;

/** One line about a credential's value: a fingerprint where the operator had it, else its version. */
export function credentialState(credential: CredentialOutputs): string {
  if (credential.resolve === "deploy") return `${credential.masked} ${credential.fingerprint}`;
  return `${credential.ref}${credential.version === null ? "" : ` version ${credential.version}`}, read by the node`;
}

/**
 * Reads the outputs that the program left in the stack.
 * @throws {OperationError} `outputs` when they are not of this version.
 */
export function parseOutputs(raw: unknown): StackOutputs {
  const parsed = stackOutputs.safeParse(raw);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.map(String).join("."));
  throw OperationError.of(
    "outputs",
    `the stack's outputs are not those of this version (${fields.join(", ")})`,
    "run `gatehouse up` once: it writes them again",
  );
}

/** The same without secrets: each token is masked, of a private key there is its name. */
export function publicOutputs(outputs: StackOutputs): StackOutputs {
  const masked = Object.entries(outputs.gatewayTokens).map(([name, token]) => [name, mask(token)] as const);
  const keys = Object.keys(outputs.principalKeys).map((name) => [name, "(private SSH key)"] as const);
  return { ...outputs, gatewayTokens: Object.fromEntries(masked), principalKeys: Object.fromEntries(keys) };
}
