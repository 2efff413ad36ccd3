import { z } from "zod";
import { changeSchema } from "./change.ts";
import { connectionSchema } from "./connection.ts";
import { gatewaySchema } from "./gateway.ts";
import { nameSchema } from "./names.ts";
import { downloadsSchema, runtimeSchema } from "./runtime.ts";

export const PLATFORMS = ["linux", "macos"] as const;
export type Platform = (typeof PLATFORMS)[number];

export const nodeSchema = z.strictObject({
  name: nameSchema,
  platform: z.enum(PLATFORMS),
  connection: connectionSchema,
  /** Expected machine id (`/etc/machine-id`, IOPlatformUUID). Needed only to accept a replaced machine. */
  machineId: z
    .string()
    .regex(/^[0-9A-Fa-f-]{32,36}$/, "expected 32 hexadecimal digits, dashes allowed")
    .optional(),
  runtime: runtimeSchema.prefault({}),
  downloads: downloadsSchema.prefault({}),
  gateways: z.array(gatewaySchema).min(1, "a node needs at least one gateway"),
});
export type NodeSpec = z.output<typeof nodeSchema>;

export const environmentSchema = z.strictObject({
  name: nameSchema,
  /** What the environment is for; `ci` runners have an identity of their own. */
  kind: z.enum(["prod", "staging", "dev", "ci"]),
});
export type EnvironmentSpec = z.output<typeof environmentSchema>;

/** The shape of a fleet. The rules that span several fields are in `fleet-rules.ts`; `parseFleet` applies both. */
export const fleetSchema = z.strictObject({
  environments: z.array(environmentSchema).min(1),
  nodes: z.array(nodeSchema).min(1),
  change: changeSchema.optional(),
});
export type FleetSpec = z.output<typeof fleetSchema>;
/** What an author writes: defaults not yet filled in. */
export type FleetInput = z.input<typeof fleetSchema>;
