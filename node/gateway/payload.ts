import { agentCredentials, generationName, unitName } from "../generation/manifest.ts";
import { launchPlan } from "../launch/plan.ts";
import { metricsSettings } from "../metrics/settings.ts";
import {
  absolutePath,
  directoryName,
  flag,
  gatewayName,
  integer,
  list,
  machineExpectation,
  object,
  optional,
  text,
  textLike,
  userName,
  variableName,
} from "../lib/shape.ts";
import type { GatewayPayload } from "../protocol.ts";

/** Checks a gateway phase's payload; the failure names field and shape. */
export const gatewayPayload = object<GatewayPayload>({
  machine: machineExpectation,
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  port: integer(1024, 65000),
  unit: unitName,
  runtimeId: directoryName,
  nodePath: absolutePath,
  openclawVersion: textLike(/^[0-9]+\.[0-9]+\.[0-9]+$/, "an exact version"),
  generation: generationName,
  files: object<GatewayPayload["files"]>({
    config: text,
    unit: text,
    unitWithoutNamespaces: text,
    secretsPlan: text,
    policy: text,
  }),
  token: object<GatewayPayload["token"]>({ variable: variableName, value: text, fingerprint: text }),
  https: optional(object<NonNullable<GatewayPayload["https"]>>({ certificate: text, key: text, authority: text })),
  launch: optional(
    object<NonNullable<GatewayPayload["launch"]>>({
      plan: launchPlan,
      program: text,
      credentials: list(
        object<NonNullable<GatewayPayload["launch"]>["credentials"][number]>({
          variable: variableName,
          value: text,
          fingerprint: text,
        }),
      ),
    }),
  ),
  agents: agentCredentials,
  metrics: optional(metricsSettings),
  keepGenerations: integer(2, 20),
  readyTimeoutSeconds: integer(5, 600),
  purge: flag,
});
