import { IDENTITY_VARIABLES } from "../node/launch/plan.ts";
import type { LaunchIdentity, LaunchPlan, LaunchSecret } from "../node/launch/plan.ts";
import { credentialVariable, parseSecretRef, type GatewaySpec } from "../spec/index.ts";
import { RenderError } from "./errors.ts";
import type { GatewayLayout } from "./layout.ts";

function secretOf(gateway: string, variable: string, reference: string): LaunchSecret {
  const parsed = parseSecretRef(reference);
  if (parsed.ok && parsed.ref.scheme === "vault") {
    const { scheme: manager, ...where } = parsed.ref;
    return { variable, reference, manager, ...where };
  }
  if (parsed.ok && parsed.ref.scheme === "aws-sm") {
    const { scheme: manager, ...where } = parsed.ref;
    return { variable, reference, manager, ...where };
  }
  throw new RenderError(
    `gateway '${gateway}': a node cannot read the reference for ${variable}`,
    "use vault:// or aws-sm://",
  );
}

function identityOf({ nodeIdentity }: GatewaySpec): LaunchIdentity {
  const { vault, aws } = nodeIdentity ?? {};
  return {
    ...(vault && {
      vault: {
        address: vault.address,
        ...(vault.namespace === undefined ? {} : { namespace: vault.namespace }),
        authMount: vault.authMount,
        roleId: vault.roleId,
      },
    }),
    ...(aws && {
      aws: {
        region: aws.region,
        ...(aws.endpoint === undefined ? {} : { endpoint: aws.endpoint }),
        accessKeyId: aws.credentials === "instance-role" ? null : aws.credentials.accessKeyId,
      },
    }),
  };
}

/** What the launcher resolves; undefined for a gateway whose keys are all delivered. */
export function renderLaunchPlan(gateway: GatewaySpec, layout: GatewayLayout): LaunchPlan | undefined {
  const secrets = gateway.agents.flatMap((agent) =>
    agent.credentials
      .filter(({ resolve }) => resolve === "node")
      .map(({ provider, secret }) => secretOf(gateway.name, credentialVariable(agent.id, provider), secret)),
  );
  if (secrets.length === 0) return undefined;
  return { identity: identityOf(gateway), secrets, recordPath: layout.launchRecordPath };
}

/** Which variable of the environment file carries which secret of the node's identity; only the launcher sees them. */
export function identityVariables({
  nodeIdentity,
}: GatewaySpec): readonly { readonly variable: string; readonly ref: string }[] {
  const keys = nodeIdentity?.aws?.credentials;
  return [
    ...(nodeIdentity?.vault === undefined
      ? []
      : [{ variable: IDENTITY_VARIABLES.vaultSecretId, ref: nodeIdentity.vault.secretId }]),
    ...(keys === undefined || keys === "instance-role"
      ? []
      : [{ variable: IDENTITY_VARIABLES.awsSecretAccessKey, ref: keys.secretAccessKey }]),
  ];
}
