import * as pulumi from "@pulumi/pulumi";
import type { AccountResult, MachineExpectation } from "../node/protocol.ts";
import { agentTools } from "../render/index.ts";
import type { GatewayLayout } from "../render/index.ts";
import type { ConnectionArgs } from "../remote/connection.ts";
import type { Observation } from "../remote/observation.ts";
import { remotePhase } from "../remote/phase.ts";
import type { RemotePhase, Sealing } from "../remote/phase.ts";
import { trustBoundary } from "../spec/index.ts";
import type { AgentSpec, GatewaySpec } from "../spec/index.ts";
import { isDelivered } from "./credentials.ts";
import type { AgentCredential, CredentialView } from "./credentials.ts";
import type { EnvironmentKind } from "./gateway-view.ts";

export interface AgentArgs {
  readonly gateway: GatewaySpec;
  readonly environmentKind: EnvironmentKind | undefined;
  readonly agent: AgentSpec;
  readonly layout: GatewayLayout;
  readonly credentials: readonly AgentCredential[];
  readonly fingerprintKey: pulumi.Output<string>;
  readonly target: PhaseTarget;
  /** Phase that made the OS user. */
  readonly account: RemotePhase<AccountResult>;
  /** Commands that have to be done before this agent's. */
  readonly after: readonly pulumi.Resource[];
}

/** A machine that has been bootstrapped. */
export interface NodeTarget {
  readonly connection: ConnectionArgs;
  readonly programId: string;
  readonly machine: pulumi.Output<MachineExpectation>;
  /** As the machine said itself. */
  readonly machineId: pulumi.Output<string>;
}

/** Where and with which program the phases of one gateway run, and what was seen of it there. */
export interface PhaseTarget extends NodeTarget {
  readonly observation: Observation;
}

/** Payloads with secrets are for this node only; the fingerprint key is the one secret that every run of a stack has. */
export function sealingFor(account: RemotePhase<AccountResult>, fingerprintKey: pulumi.Output<string>): Sealing {
  return { recipient: account.result.sealingKey, secret: fingerprintKey };
}

/** What policies may read of a credential. */
function publicView({ view }: AgentCredential, { credentials }: AgentSpec) {
  const { resolve, provider, variable, ref } = view;
  const spec = credentials.find((credential) => credential.provider === provider);
  const place = { resolve, delivery: spec?.delivery, provider, variable, ref, rotateEveryDays: spec?.rotateEveryDays };
  return view.resolve === "node" ? place : { ...place, fingerprint: view.fingerprint };
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
  readonly staging: RemotePhase<unknown>;

  constructor(name: string, args: AgentArgs, opts?: pulumi.ComponentResourceOptions) {
    const { gateway, agent, layout, target, account, credentials, environmentKind } = args;
    super(
      "gatehouse:index:Agent",
      name,
      {
        agent: agent.id,
        gateway: gateway.name,
        environment: gateway.environment,
        ...(environmentKind === undefined ? {} : { environmentKind }),
        model: agent.model,
        credentials: credentials.map((credential) => publicView(credential, agent)),
        paths: privatePaths(args),
        permissions: agent.permissions,
        openclaw: agentTools(agent.permissions),
        trustBoundary: trustBoundary(agent),
        sharedDirectories: agent.sharedDirectories,
      },
      opts,
    );
    this.credentials = credentials.map(({ view }) => view);
    const payload = pulumi.output({
      machine: target.machine,
      gateway: gateway.name,
      user: layout.user,
      home: layout.home,
      agent: agent.id,
      workspace: layout.workspace(agent.id),
      mountPoints: agent.sharedDirectories.map((path) => layout.sharedMount(agent.id, path)),
      credentials: credentials
        .filter(isDelivered)
        .map(({ value, view: { provider, variable, fingerprint: digest } }) => ({
          provider,
          variable,
          value,
          fingerprint: digest,
        })),
    });
    this.staging = remotePhase(
      `${name}-agent`,
      {
        phase: "agent",
        connection: target.connection,
        programId: target.programId,
        observation: target.observation,
        payload,
        sealing: sealingFor(account, args.fingerprintKey),
      },
      { parent: this, dependsOn: [...args.after], replaceWith: [account.command] },
    );
    this.registerOutputs({ credentials: this.credentials });
  }
}
