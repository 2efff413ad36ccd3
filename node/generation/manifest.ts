import { launchPlan } from "../launch/plan.ts";
import type { LaunchPlan } from "../launch/plan.ts";
import {
  absolutePath,
  directoryName,
  gatewayName,
  integer,
  list,
  object,
  oneOf,
  optional,
  text,
  textLike,
  variableName,
} from "../lib/shape.ts";
import type { Profile } from "../platform/services.ts";
import type { GatewayPayload } from "../protocol.ts";

/** Name of a generation: also the name of its directory. */
export const generationName = textLike(/^g-[0-9a-f]{16}$/, "a generation (g- and 16 hex digits)");

/** Of a systemd unit, or the label of a launchd job; never a path. */
export const unitName = textLike(
  /^(?:[a-z][a-z0-9@.-]{0,100}\.service|org\.gatehouse\.(?:login-)?gateway\.[a-z0-9-]{2,40})$/,
  "a service unit's name or a launchd label of ours",
);

export const agentCredentials = list(
  object<GatewayPayload["agents"][number]>({
    id: gatewayName,
    credentials: list(
      object<GatewayPayload["agents"][number]["credentials"][number]>({
        provider: text,
        variable: variableName,
        fingerprint: text,
        delivery: optional(oneOf("file")),
      }),
    ),
  }),
);

/** Ids of the agents that have a key in a file. */
export function agentsWithKeyFile({ agents }: Pick<GatewayPayload, "agents">): string[] {
  return agents.flatMap(({ id, credentials }) => (credentials.some(({ delivery }) => delivery === "file") ? [id] : []));
}

/** Everything about a generation that is needed to make it live again without the operator. Holds no secret. */
export interface Manifest {
  readonly generation: string;
  readonly gateway: string;
  readonly port: number;
  readonly unit: string;
  readonly runtimeId: string;
  readonly nodePath: string;
  /** The vendor's command line, `openclaw.mjs`. */
  readonly cliPath: string;
  readonly openclawVersion: string;
  readonly readyTimeoutSeconds: number;
  readonly profile: Profile;
  /** Variable that carries the gateway token. */
  readonly tokenVariable: string;
  readonly tokenFingerprint: string;
  readonly agents: GatewayPayload["agents"];
  /** Of the HTTPS certificate that it serves: SHA-256, 32 pairs of hex digits with colons, and its end, RFC 3339. */
  readonly https?: { readonly fingerprint: string; readonly notAfter: string };
  /** SHA-256 of its `policy.jsonc`, hex digits; generations of earlier versions have none. */
  readonly policy?: string;
  /** What the launcher resolves at every start. */
  readonly launch?: LaunchPlan;
}

export const manifestShape = object<Manifest>({
  generation: generationName,
  gateway: gatewayName,
  port: integer(1, 65535),
  unit: unitName,
  runtimeId: directoryName,
  nodePath: absolutePath,
  cliPath: absolutePath,
  openclawVersion: text,
  readyTimeoutSeconds: integer(1, 600),
  profile: oneOf<Profile>("namespaced", "seccomp-only", "launchd"),
  tokenVariable: variableName,
  tokenFingerprint: text,
  agents: agentCredentials,
  https: optional(object<NonNullable<Manifest["https"]>>({ fingerprint: text, notAfter: text })),
  policy: optional(textLike(/^[0-9a-f]{64}$/, "a SHA-256 in hex digits")),
  launch: optional(launchPlan),
});
