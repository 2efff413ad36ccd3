import { z } from "zod";
import { changeSchema } from "./change.ts";
import { connectionSchema } from "./connection.ts";
import { gatewaySchema } from "./gateway.ts";
import { certificateAuthoritySchema } from "./https.ts";
import { metricsSchema } from "./metrics.ts";
import { nameSchema } from "./names.ts";
import { principalSchema } from "./principals.ts";
import { downloadsSchema, runtimeSchema } from "./runtime.ts";

export const PLATFORMS = ["linux", "macos"] as const;
export type Platform = (typeof PLATFORMS)[number];

export const nodeSchema = z.strictObject({
  /** Unique in the fleet; part of Pulumi resource names, so a rename replaces the node's resources. */
  name: nameSchema,
  /** Operating system of the machine. */
  platform: z.enum(PLATFORMS),
  /** How the machine is reached over SSH. */
  connection: connectionSchema,
  /** Expected machine id (`/etc/machine-id`, IOPlatformUUID). Needed only to accept a replaced machine. */
  machineId: z
    .string()
    .regex(/^[0-9A-Fa-f-]{32,36}$/, "expected 32 hexadecimal digits, dashes allowed")
    .optional(),
  /** Versions of Node and OpenClaw; default: the ones this release was tested with. */
  runtime: runtimeSchema.prefault({}),
  /** How the machine reaches package registries; default: like the operator, without a proxy. */
  downloads: downloadsSchema.prefault({}),
  /** Whether the machine is kept from going to sleep; with `false` something else has to see to that. */
  alwaysOn: z.boolean().default(true),
  /** Metrics of the node's gateways for Prometheus; default: every minute. */
  metrics: metricsSchema.prefault({}),
  /** OpenClaw gateways on this machine, each under an OS user of its own. */
  gateways: z.array(gatewaySchema).min(1, "a node needs at least one gateway"),
});
export type NodeSpec = z.output<typeof nodeSchema>;

/** What a node is to run, without how it is reached: what a program that computes its connections knows beforehand. */
export const nodeDesignSchema = nodeSchema.omit({ connection: true, machineId: true });
export type NodeDesign = z.output<typeof nodeDesignSchema>;
export type NodeDesignInput = z.input<typeof nodeDesignSchema>;

export const environmentSchema = z.strictObject({
  /** Named by `gateways[].environment`. */
  name: nameSchema,
  /** What the environment is for; `ci` runners have an identity of their own. */
  kind: z.enum(["prod", "staging", "dev", "ci"]),
});
export type EnvironmentSpec = z.output<typeof environmentSchema>;

/** The shape of a fleet. The rules that span several fields are in `fleet-rules.ts`; `parseFleet` applies both. */
export const fleetSchema = z.strictObject({
  /** Every environment that a gateway may name. */
  environments: z.array(environmentSchema).min(1),
  /** CI runners and people who may reach gateways, each with a key of its own. */
  principals: z.array(principalSchema).default([]),
  /** The authority behind every `gateways[].https`. */
  certificateAuthority: certificateAuthoritySchema.prefault({}),
  /**
   * Other stacks of the team, `ORGANISATION/PROJECT/STACK`, whose ledgers the policies compare with this fleet: one
   * credential in two of them is found at preview. The run's login has to be able to read them.
   */
  otherStacks: z
    .array(
      z.string().regex(/^[A-Za-z0-9._-]{1,100}(?:\/[A-Za-z0-9._-]{1,100}){2}$/, "expected ORGANISATION/PROJECT/STACK"),
    )
    .default([]),
  /** The machines. */
  nodes: z.array(nodeSchema).min(1),
  /** Why this change of the fleet is made. */
  change: changeSchema.optional(),
});
export type FleetSpec = z.output<typeof fleetSchema>;
/** What an author writes: defaults not yet filled in. */
export type FleetInput = z.input<typeof fleetSchema>;
