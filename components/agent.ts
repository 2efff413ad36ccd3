import * as pulumi from "@pulumi/pulumi";
import type { MachineExpectation } from "../node/protocol.ts";
import { fingerprint, mask, slots } from "../render/index.ts";
import type { GatewayLayout } from "../render/index.ts";
import type { ConnectionArgs } from "../remote/connection.ts";
import { remotePhase } from "../remote/phase.ts";
import type { RemotePhase } from "../remote/phase.ts";
import { credentialVariable } from "../spec/index.ts";
import type { AgentSpec, CredentialSpec, GatewaySpec } from "../spec/index.ts";

/** One credential of an agent, as everybody may see it. */
export interface CredentialView {
  readonly provider: string;
  /** The one variable of the gateway's unit that carries it. */
  readonly variable: string;
  readonly ref: string;
  /** Keyed hash of the value; unknown until the stack's fingerprint key exists. */
  readonly fingerprint: pulumi.Output<string>;
  /** First four and last four characters, where that is safe. */
  readonly masked: pulumi.Output<string>;
}

export interface AgentArgs {
  readonly gateway: GatewaySpec;
  readonly agent: AgentSpec;
  readonly layout: GatewayLayout;
  /** Values by provider. */
  readonly values: Readonly<Record<string, pulumi.Output<string>>>;
  readonly fingerprintKey: pulumi.Output<string>;
  /** Absent on platforms that this version does not provision. */
  readonly target?: PhaseTarget;
  /** Command that made the OS user; absent with `target`. */
  readonly account?: pulumi.Resource;
  /** Commands that have to be done before this agent's. */
  readonly after: readonly pulumi.Resource[];
}

/** Where and with which program a phase runs. */
export interface PhaseTarget {
  readonly connection: ConnectionArgs;
  readonly programId: string;
  readonly machine: pulumi.Output<MachineExpectation>;
}

function credential({ gateway, agent, values, fingerprintKey }: AgentArgs, { provider, secret }: CredentialSpec) {
  const value = values[provider];
  if (value === undefined) throw new Error(`agent ${agent.id}: no value for provider ${provider}`);
  const slot = slots.credential(gateway.name, agent.id, provider);
  const view: CredentialView = {
    provider,
    variable: credentialVariable(agent.id, provider),
    ref: secret,
    fingerprint: pulumi.unsecret(
      pulumi
        .all([fingerprintKey, value])
        .apply(([key, text]) => fingerprint(Buffer.from(key, "base64url"), slot, text)),
    ),
    masked: pulumi.unsecret(value.apply(mask)),
  };
  return { view, value };
}

function privatePaths({ agent, layout }: AgentArgs) {
  const directory = (path: string) => ({ path, mode: "0700", kind: "directory", owner: layout.user });
  return [
    directory(layout.workspace(agent.id)),
    directory(layout.agentDir(agent.id)),
    directory(layout.stagingDir(agent.id)),
    { path: layout.stagedCredentials(agent.id), mode: "0600", kind: "file", owner: layout.user },
  ];
}

/** One agent of a gateway: its directories, workspace, credentials and permissions. */
export class Agent extends pulumi.ComponentResource {
  readonly credentials: readonly CredentialView[];
  /** Absent where this version does not provision. */
  readonly staging: RemotePhase<unknown> | undefined;

  constructor(name: string, args: AgentArgs, opts?: pulumi.ComponentResourceOptions) {
    const { gateway, agent, layout, target } = args;
    const credentials = agent.credentials.map((spec) => credential(args, spec));
    super(
      "gatehouse:index:Agent",
      name,
      {
        agent: agent.id,
        gateway: gateway.name,
        environment: gateway.environment,
        model: agent.model,
        credentials: credentials.map(({ view: { provider, variable, ref, fingerprint: digest } }) => ({
          provider,
          variable,
          ref,
          fingerprint: digest,
        })),
        paths: privatePaths(args),
        permissions: agent.permissions,
      },
      opts,
    );
    this.credentials = credentials.map(({ view }) => view);
    if (target !== undefined) {
      const payload = pulumi.output({
        machine: target.machine,
        gateway: gateway.name,
        user: layout.user,
        home: layout.home,
        agent: agent.id,
        workspace: layout.workspace(agent.id),
        credentials: credentials.map(({ value, view: { provider, variable, fingerprint: digest } }) => ({
          provider,
          variable,
          value,
          fingerprint: digest,
        })),
      });
      this.staging = remotePhase(
        `${name}-agent`,
        { phase: "agent", connection: target.connection, programId: target.programId, payload },
        { parent: this, dependsOn: [...args.after], ...(args.account && { replaceWith: [args.account] }) },
      );
    }
    this.registerOutputs({ credentials: this.credentials });
  }
}
