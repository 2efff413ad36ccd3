import { createHash } from "node:crypto";
import type { GatewayPayload } from "../node/protocol.ts";
import { credentialVariable, GATEWAY_TOKEN_VARIABLE, type GatewaySpec, type NodeDesign } from "../spec/index.ts";
import { RenderError } from "./errors.ts";
import { identityVariables, renderLaunchPlan } from "./launch-plan.ts";
import { gatewayLayout } from "./layout.ts";
import { renderMetrics } from "./metrics.ts";
import { renderOpenclawConfig } from "./openclaw-config.ts";
import { renderOpenclawPolicy } from "./openclaw-policy.ts";
import { renderSecretsPlan } from "./secrets-plan.ts";
import type { UnitRuntime } from "./systemd-unit.ts";
import { renderUnit } from "./unit.ts";

export interface GenerationInput {
  readonly node: NodeDesign;
  readonly gateway: GatewaySpec;
  readonly runtime: UnitRuntime;
  /** Fingerprints of the values; the values themselves are not needed to name a generation. */
  readonly tokenFingerprint: string;
  /** Of credentials that are resolved at deploy. */
  credentialFingerprint(agent: string, provider: string): string;
  /** PEM; needed for a gateway with `https`. */
  readonly https?: { readonly certificate: string; readonly authority: string };
  /** The launcher's text and the fingerprints of the node's own identity: needed where the node resolves credentials. */
  readonly launcher?: { program(): string; identityFingerprint(variable: string): string };
}

/** All of a gateway phase's payload that is desired state and no secret. */
export type RenderedGeneration = Pick<
  GatewayPayload,
  | "gateway"
  | "user"
  | "home"
  | "port"
  | "unit"
  | "runtimeId"
  | "nodePath"
  | "openclawVersion"
  | "generation"
  | "files"
  | "agents"
  | "keepGenerations"
  | "metrics"
> & {
  readonly token: { readonly variable: string; readonly fingerprint: string };
  readonly https?: { readonly certificate: string; readonly authority: string };
  readonly launch?: Pick<NonNullable<GatewayPayload["launch"]>, "plan" | "program"> & {
    readonly credentials: readonly { readonly variable: string; readonly fingerprint: string }[];
  };
};

/** Assembles one generation; the same input gives the same bytes and the same id. */
export function renderGeneration(input: GenerationInput): RenderedGeneration {
  const { node, gateway, runtime } = input;
  const layout = gatewayLayout(node.platform, gateway);
  const metrics = renderMetrics(node, gateway);
  const plan = renderLaunchPlan(gateway, layout);
  const unit = renderUnit(node.platform, gateway, layout, runtime);
  const content = {
    runtimeId: runtime.id,
    nodePath: runtime.nodePath,
    openclawVersion: node.runtime.openclaw.version,
    files: {
      config: renderOpenclawConfig(node, gateway, layout),
      ...unit,
      secretsPlan: renderSecretsPlan(gateway),
      policy: renderOpenclawPolicy(gateway),
    },
    token: { variable: GATEWAY_TOKEN_VARIABLE, fingerprint: input.tokenFingerprint },
    agents: gateway.agents.map((agent) => ({
      id: agent.id,
      credentials: agent.credentials
        .filter(({ resolve }) => resolve === "deploy")
        .map(({ provider, delivery }) => ({
          provider,
          variable: credentialVariable(agent.id, provider),
          fingerprint: input.credentialFingerprint(agent.id, provider),
          ...(delivery === "file" && { delivery }),
        })),
    })),
    ...(gateway.https && { https: certificates(gateway, input.https) }),
    ...(plan && { launch: { plan, ...launching(gateway, input.launcher) } }),
  };
  return {
    gateway: gateway.name,
    user: layout.user,
    home: layout.home,
    port: gateway.port,
    unit: layout.unitName,
    generation: generationId(content),
    keepGenerations: gateway.keepGenerations,
    ...(metrics && { metrics }),
    ...content,
  };
}

function certificates(gateway: GatewaySpec, https: GenerationInput["https"]): NonNullable<GenerationInput["https"]> {
  if (https !== undefined) return https;
  throw new RenderError(`gateway '${gateway.name}' has https, but no certificate`, "pass `https` to renderGeneration");
}

function launching(gateway: GatewaySpec, launcher: GenerationInput["launcher"]) {
  if (launcher === undefined) {
    throw new RenderError(
      `gateway '${gateway.name}': its node resolves credentials, but there is no launcher`,
      "pass `launcher` to renderGeneration",
    );
  }
  return {
    program: launcher.program(),
    credentials: identityVariables(gateway).map(({ variable }) => ({
      variable,
      fingerprint: launcher.identityFingerprint(variable),
    })),
  };
}

/** `g-` and the first 64 bits of the SHA-256 over the content as canonical JSON. */
function generationId(content: object): string {
  return `g-${createHash("sha256").update(canonicalJson(content)).digest("hex").slice(0, 16)}`;
}

/** JSON with object keys in code unit order, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  );
}
