import * as pulumi from "@pulumi/pulumi";
import type { MachineExpectation } from "../node/protocol.ts";
import { fingerprint, mask, slots } from "../render/index.ts";
import type { GatewayLayout } from "../render/index.ts";
import type { ConnectionArgs } from "../remote/connection.ts";
import { remotePhase } from "../remote/phase.ts";
import type { RemotePhase } from "../remote/phase.ts";
import { credentialVariable } from "../spec/index.ts";
import type { AgentSpec, GatewaySpec } from "../spec/index.ts";

/** One credential of an agent, as everybody may see it. */
export interface CredentialView {
  readonly provider: string;
  /** The one variable of the gateway's unit that carries it. */
  readonly variable: string;
  readonly ref: string;
  /** Keyed hash of the value. */
  readonly fingerprint: string;
  /** First four and last four characters, where that is safe. */
  readonly masked: string;
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
}

/** Where and with which program a phase runs. */
export interface PhaseTarget {
  readonly connection: ConnectionArgs;
  readonly programId: string;
  readonly machine: pulumi.Output<MachineExpectation>;
}

function credentialViews(args: AgentArgs): pulumi.Output<CredentialView[]> {
  const { gateway, agent } = args;
  return pulumi.unsecret(
    pulumi.all([args.fingerprintKey, pulumi.all(args.values)]).apply(([key, values]) =>
      agent.credentials.map(({ provider, secret }) => {
        const value = values[provider] ?? "";
        return {
          provider,
          variable: credentialVariable(agent.id, provider),
          ref: secret,
          fingerprint: fingerprint(
            Buffer.from(key, "base64url"),
            slots.credential(gateway.name, agent.id, provider),
            value,
          ),
          masked: mask(value),
        };
      }),
    ),
  );
}

function privatePaths(args: AgentArgs) {
  const { agent, layout } = args;
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
  readonly credentials: pulumi.Output<CredentialView[]>;
  readonly staging: RemotePhase<unknown> | undefined;

  constructor(
    name: string,
    args: AgentArgs,
    opts?: pulumi.ComponentResourceOptions & { readonly after?: pulumi.Resource[] },
  ) {
    const { gateway, agent, layout, target } = args;
    const { after = [], ...own } = opts ?? {};
    const views = credentialViews(args);
    super(
      "gatehouse:index:Agent",
      name,
      {
        agent: agent.id,
        gateway: gateway.name,
        environment: gateway.environment,
        model: agent.model,
        credentials: views.apply((list) =>
          list.map(({ provider, variable, ref, fingerprint: digest }) => ({
            provider,
            variable,
            ref,
            fingerprint: digest,
          })),
        ),
        paths: privatePaths(args),
        permissions: agent.permissions,
      },
      own,
    );
    this.credentials = views;
    if (target !== undefined) {
      const payload = pulumi.all([target.machine, views, pulumi.all(args.values)]).apply(([machine, list, values]) => ({
        machine,
        gateway: gateway.name,
        user: layout.user,
        home: layout.home,
        agent: agent.id,
        workspace: layout.workspace(agent.id),
        credentials: list.map(({ provider, variable, fingerprint: digest }) => ({
          provider,
          variable,
          value: values[provider] ?? "",
          fingerprint: digest,
        })),
      }));
      this.staging = remotePhase(
        `${name}-agent`,
        { phase: "agent", connection: target.connection, programId: target.programId, payload },
        { parent: this, dependsOn: after },
      );
    }
    this.registerOutputs({ credentials: this.credentials });
  }
}
