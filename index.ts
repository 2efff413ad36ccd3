import * as pulumi from "@pulumi/pulumi";
import {
  CertificateAuthority,
  ComponentError,
  fingerprintKey,
  GatewayNode,
  knowOtherStacks,
  lastLedger,
  Principal,
  resolveSecrets,
} from "./components/index.ts";
import type { ConnectionArgs, CredentialView, Gateway } from "./components/index.ts";
import { parseFleet, SpecError } from "./spec/index.ts";
import type { ConnectionSpec, FleetSpec, NodeSpec } from "./spec/index.ts";

function fleetFromConfig(): FleetSpec {
  const input = new pulumi.Config("gatehouse").requireObject<unknown>("fleet");
  try {
    return parseFleet(input);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    throw new ComponentError(
      error.problems.map(({ field, problem }) => `gatehouse:fleet ${field}: ${problem}`),
      error.fix,
      error,
    );
  }
}

function connectionArgs(spec: ConnectionSpec, secrets: Record<string, pulumi.Output<string>>): ConnectionArgs {
  const endpoint = ({ host, port, user, hostKey, privateKey }: Omit<ConnectionSpec, "jump">) => {
    const key = privateKey === undefined ? undefined : secrets[privateKey];
    return {
      host,
      port,
      user,
      hostKey,
      ...(key && { privateKey: key }),
      ...(privateKey && { privateKeyRef: privateKey }),
    };
  };
  return { ...endpoint(spec), ...(spec.jump && { jump: endpoint(spec.jump) }) };
}

/** A credential that the node read shows the version that the running process was given. */
function credentialOutput(view: CredentialView, verified: Gateway["verified"]) {
  if (view.resolve === "deploy") return view;
  const launched = verified.apply((result) => result.launched.find(({ variable }) => variable === view.variable));
  return { ...view, version: launched.apply((found) => found?.version ?? null) };
}

function gatewayOutputs(node: NodeSpec, component: GatewayNode) {
  return Object.fromEntries(
    node.gateways.map(({ name, agents }) => {
      const gateway = component.gateways[name];
      if (gateway === undefined) throw new Error(`no component for gateway ${name}`);
      const { switched, verified } = gateway;
      return [
        name,
        {
          environment: gateway.environment,
          user: gateway.user,
          port: gateway.port,
          endpoint: gateway.endpoint,
          unit: gateway.unit,
          generation: gateway.generation,
          previousGeneration: switched.apply((result) => result.previousGeneration ?? null),
          rollbackPoints: switched.apply((result) => result.rollbackPoints),
          health: verified.apply((result) => result.health),
          unitState: verified.apply((result) => result.unitState),
          openclawVersion: verified.apply((result) => result.openclawVersion),
          hardening: switched.apply((result) => result.hardening),
          interruptionSeconds: switched.apply((result) => result.interruptionSeconds),
          proof: switched.apply((result) => result.proof),
          vendorPolicy: switched.apply((result) => result.vendorPolicy ?? null),
          devices: verified.apply((result) => result.devices),
          tokenFingerprint: gateway.tokenFingerprint,
          certificate: gateway.certificate.apply((view) => view ?? null),
          agents: Object.fromEntries(
            agents.map(({ id, model }) => [
              id,
              { model, credentials: gateway.agents[id]?.credentials.map((view) => credentialOutput(view, verified)) },
            ]),
          ),
        },
      ];
    }),
  );
}

/** Who may reach which gateway, and for what; no secret. */
function principalOutputs(fleet: FleetSpec, principals: Readonly<Record<string, Principal>>) {
  return fleet.principals.map(({ name, kind, environment, keyVersion }) => ({
    name,
    kind,
    environment,
    keyVersion,
    fingerprint: principals[name]?.fingerprint,
    gateways: fleet.nodes.flatMap((node) =>
      node.gateways.flatMap((gateway) =>
        gateway.access.flatMap(({ principal, from = [], tunnel, command = null }) =>
          principal === name ? [{ node: node.name, gateway: gateway.name, from, tunnel, command }] : [],
        ),
      ),
    ),
  }));
}

/** The stack: one `GatewayNode` for every node of the fleet in `gatehouse:fleet`. */
export default async function program(): Promise<Record<string, unknown>> {
  const fleet = fleetFromConfig();
  const ledgerBefore = await lastLedger();
  await knowOtherStacks(fleet.otherStacks);
  const { values: secrets, versions: secretVersions } = await resolveSecrets(fleet);
  const key = fingerprintKey("fingerprint-key");
  const principals = Object.fromEntries(fleet.principals.map((spec) => [spec.name, new Principal(spec.name, spec)]));
  const publicKeys = Object.fromEntries(
    fleet.principals.map(({ name, rotateEveryDays }) => [
      name,
      { publicKey: principals[name]?.publicKey ?? "", rotateEveryDays },
    ]),
  );
  const authority = fleet.nodes.some(({ gateways }) => gateways.some(({ https }) => https !== undefined))
    ? new CertificateAuthority("certificate-authority", fleet.certificateAuthority)
    : undefined;
  const components = fleet.nodes.map((node) => {
    const { name, platform, runtime, downloads, alwaysOn, connection, machineId } = node;
    return {
      node,
      component: new GatewayNode(name, {
        platform,
        runtime,
        downloads,
        alwaysOn,
        // what the whole change declares holds for every gateway that declares nothing of its own
        gateways: node.gateways.map((gateway) => ({ ...(fleet.change && { change: fleet.change }), ...gateway })),
        connection: connectionArgs(connection, secrets),
        environments: fleet.environments,
        ...(machineId !== undefined && { machineId }),
        secrets,
        secretVersions,
        lastLedger: ledgerBefore,
        principals: publicKeys,
        ...(authority && { certificateAuthority: authority }),
        fingerprintKey: key,
      }),
    };
  });
  const nodes = Object.fromEntries(
    components.map(({ node, component }) => [
      node.name,
      {
        host: node.connection.host,
        port: node.connection.port,
        user: node.connection.user,
        platform: node.platform,
        machineId: component.machineId,
        nodeVersion: component.nodeVersion,
        openclawVersion: component.openclawVersion,
        gateways: gatewayOutputs(node, component),
      },
    ]),
  );
  // a token that came by reference is looked up where it is kept
  const generated = components.flatMap(({ node, component }) =>
    node.gateways.flatMap(({ name, token }) => (token === undefined ? [[name, component.gateways[name]?.token]] : [])),
  );
  const gatewayTokens = pulumi.secret(Object.fromEntries(generated) as Record<string, pulumi.Output<string>>);
  const ledger = pulumi
    .all(components.flatMap(({ component }) => Object.values(component.gateways).map((gateway) => gateway.ledger)))
    .apply((ledgers) => ledgers.flat());
  const made = Object.entries(principals).flatMap(([name, { privateKey }]) => (privateKey ? [[name, privateKey]] : []));
  const principalKeys = pulumi.secret(Object.fromEntries(made) as Record<string, pulumi.Output<string>>);
  const certificateAuthority =
    authority === undefined
      ? null
      : { certificate: authority.certificatePem, fingerprint: authority.fingerprint, notAfter: authority.notAfter };
  return {
    nodes,
    certificateAuthority,
    ledger,
    gatewayTokens,
    principals: principalOutputs(fleet, principals),
    principalKeys,
  };
}
