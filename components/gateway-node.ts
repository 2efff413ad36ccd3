import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { MachineExpectation } from "../node/protocol.ts";
import { identityVariables } from "../render/index.ts";
import type { ConnectionArgs, EndpointArgs } from "../remote/connection.ts";
import { parseNode } from "../spec/index.ts";
import type { EnvironmentSpec, GatewaySpec, NodeDesignInput } from "../spec/index.ts";
import { resolveDownloads } from "./downloads.ts";
import type { PrincipalKey } from "./access.ts";
import type { Authority } from "./certificate-authority.ts";
import { ComponentError } from "./errors.ts";
import { Gateway } from "./gateway.ts";
import type { GatewaySecrets } from "./gateway.ts";
import { fingerprintKey } from "./keys.ts";
import { planRuntime, Runtime } from "./runtime.ts";

/** One machine and the gateways on it. What is plain here decides which resources there are; values may be outputs. */
export interface GatewayNodeArgs extends Omit<NodeDesignInput, "name"> {
  /** How the machine is reached; the host key is required. */
  readonly connection: ConnectionArgs;
  /** Expected machine id; needed only to accept a replaced machine. */
  readonly machineId?: pulumi.Input<string>;
  /** What each environment that `gateways` names is for; policies that depend on it refuse a gateway without. */
  readonly environments?: readonly EnvironmentSpec[];
  /** Every secret that `gateways` refers to, by its reference: `{ "pulumi://KEY": config.requireSecret("KEY") }`. */
  readonly secrets: Readonly<Record<string, pulumi.Input<string>>>;
  /** By reference: what the manager calls the version that `secrets` holds; for the ledger. */
  readonly secretVersions?: Readonly<Record<string, string>>;
  /** As `lastLedger()` reads it; policies about overdue credentials refuse a gateway without. */
  readonly lastLedger?: pulumi.Output<unknown>;
  /** The principals that `gateways[].access` names, by name. */
  readonly principals?: Readonly<Record<string, PrincipalKey>>;
  /** Signs the certificates of gateways with `https`; needed when there is one. */
  readonly certificateAuthority?: Authority;
  /** 32 bytes, base64url, as `fingerprintKey()` makes them; default: a key of this node's own. */
  readonly fingerprintKey?: pulumi.Input<string>;
}

/** The part of a public host key that a policy may see. */
function hostKeyView(hostKey: pulumi.Input<string>) {
  return pulumi.output(hostKey).apply((key) => {
    const [type = "", blob = ""] = key.split(" ");
    const digest = createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64").replace(/=+$/, "");
    return { hostKeyType: type, hostKeyFingerprint: `SHA256:${digest}` };
  });
}

function endpointView(endpoint: EndpointArgs) {
  const key = hostKeyView(endpoint.hostKey);
  return {
    host: endpoint.host,
    port: endpoint.port ?? 22,
    user: endpoint.user ?? "root",
    hostKeyType: key.hostKeyType,
    hostKeyFingerprint: key.hostKeyFingerprint,
    login: endpoint.privateKey === undefined ? "ssh-agent" : "private-key",
    ...(endpoint.privateKeyRef === undefined ? {} : { privateKeyRef: endpoint.privateKeyRef }),
  };
}

function gatewaySecrets(
  gateway: GatewaySpec,
  secrets: GatewayNodeArgs["secrets"],
): { readonly secrets: GatewaySecrets; readonly missing: readonly string[] } {
  const missing: string[] = [];
  const valueOf = (field: string, ref: string): pulumi.Output<string> => {
    const value = secrets[ref];
    if (value === undefined) missing.push(`${field}: no value for ${ref} in 'secrets'`);
    return pulumi.secret(value ?? "");
  };
  const credentials = Object.fromEntries(
    gateway.agents.map((agent) => [
      agent.id,
      Object.fromEntries(
        agent.credentials
          .filter(({ resolve }) => resolve === "deploy")
          .map(({ provider, secret }) => [
            provider,
            valueOf(`gateway ${gateway.name}, agent ${agent.id}, provider ${provider}`, secret),
          ]),
      ),
    ]),
  );
  const identity = Object.fromEntries(
    identityVariables(gateway).map(({ variable, ref }) => [
      variable,
      valueOf(`gateway ${gateway.name}, nodeIdentity`, ref),
    ]),
  );
  const { token } = gateway;
  return {
    secrets: {
      credentials,
      identity,
      ...(token === undefined ? {} : { token: valueOf(`gateway ${gateway.name}, token`, token) }),
    },
    missing,
  };
}

/**
 * A machine that runs OpenClaw gateways: pinned runtime, one OS user and systemd user unit per gateway, agents with
 * credentials of their own, and the confirmation from a second SSH session that they serve.
 *
 * Registers nothing and contacts nobody when the arguments can't be used: it throws `SpecError` or `ComponentError`.
 */
export class GatewayNode extends pulumi.ComponentResource {
  /** Machine id that the node was bound to at first contact; unknown until then. */
  readonly machineId: pulumi.Output<string>;
  /** Pinned versions. */
  readonly nodeVersion: string;
  readonly openclawVersion: string;
  /** By gateway name. */
  readonly gateways: Readonly<Record<string, Gateway>>;

  constructor(name: string, args: GatewayNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    const {
      connection,
      machineId,
      environments = [],
      secrets,
      secretVersions = {},
      lastLedger,
      principals = {},
      certificateAuthority,
      fingerprintKey: givenKey,
      ...described
    } = args;
    const design = parseNode({ name, ...described });
    const resolved = design.gateways.map((gateway) => gatewaySecrets(gateway, secrets));
    const missing = [
      ...resolved.flatMap((gateway) => gateway.missing),
      ...design.gateways.flatMap(({ name: gateway, access }) =>
        access.flatMap(({ principal }) =>
          principals[principal] === undefined
            ? [`gateway ${gateway}, access: no key for ${principal} in 'principals'`]
            : [],
        ),
      ),
      ...design.gateways.flatMap(({ name: gateway, https }) =>
        https !== undefined && certificateAuthority === undefined
          ? [`gateway ${gateway}, https: no 'certificateAuthority' to sign its certificate`]
          : [],
      ),
    ];
    if (missing.length > 0)
      throw new ComponentError(missing, "pass every secret, key and authority that the gateways refer to");
    const plan = planRuntime(design.runtime);
    const downloads = resolveDownloads(design.downloads);
    super(
      "gatehouse:index:GatewayNode",
      name,
      {
        node: name,
        platform: design.platform,
        connection: { ...endpointView(connection), ...(connection.jump && { jump: endpointView(connection.jump) }) },
        runtime: plan.view,
        sleep: design.alwaysOn ? "prevented" : "as configured",
      },
      opts,
    );
    this.nodeVersion = plan.view.nodeVersion;
    this.openclawVersion = plan.openclawVersion;
    const key =
      givenKey === undefined ? fingerprintKey(`${name}-fingerprint-key`, { parent: this }) : pulumi.secret(givenKey);
    const machine: pulumi.Output<MachineExpectation> = pulumi
      .output(machineId)
      .apply((id) => (id === undefined ? {} : { machineId: id }));
    const runtime = new Runtime(
      name,
      { plan, target: { connection, machine, downloads, alwaysOn: design.alwaysOn } },
      { parent: this },
    );
    const { phases } = runtime;
    const target = {
      connection,
      programId: plan.programId,
      machine,
      machineId: phases.bootstrap.result.machineId,
    };
    const gateways: Record<string, Gateway> = {};
    // One after the other: two starting gateways would compete for the same two cores.
    let installed: pulumi.Resource[] = [phases.installation.command];
    design.gateways.forEach((gateway, index) => {
      const made = new Gateway(
        gateway.name,
        {
          node: design,
          gateway,
          environmentKind: environments.find((environment) => environment.name === gateway.environment)?.kind,
          secrets: resolved[index]?.secrets ?? { credentials: {}, identity: {} },
          secretVersions,
          lastLedger,
          principals,
          ...(certificateAuthority && { authority: certificateAuthority }),
          fingerprintKey: key,
          plan,
          bootstrapped: [phases.bootstrap.command],
          installed,
          target,
        },
        { parent: this },
      );
      gateways[gateway.name] = made;
      installed = [...installed, made.last];
    });
    this.gateways = gateways;
    this.machineId = phases.bootstrap.result.machineId;
    this.registerOutputs({ machineId: this.machineId });
  }
}
