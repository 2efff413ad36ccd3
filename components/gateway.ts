import * as pulumi from "@pulumi/pulumi";
import type { AccountResult, GatewayResult, VerifyResult } from "../node/protocol.ts";
import { gatewayLayout, renderGeneration, slots } from "../render/index.ts";
import type { GatewayLayout, RenderedGeneration } from "../render/index.ts";
import { Observation } from "../remote/observation.ts";
import { remotePhase } from "../remote/phase.ts";
import type { RemotePhase } from "../remote/phase.ts";
import type { GatewaySpec, NodeDesign } from "../spec/index.ts";
import { accessOf, accessView } from "./access.ts";
import type { PrincipalKey } from "./access.ts";
import { Agent, sealingFor } from "./agent.ts";
import type { NodeTarget, PhaseTarget } from "./agent.ts";
import { gatewayCertificate } from "./certificate-authority.ts";
import type { Authority, CertificateView, GatewayCertificate } from "./certificate-authority.ts";
import { agentCredentials, changeMark, secretView } from "./credentials.ts";
import type { AgentCredential } from "./credentials.ts";
import { designHash, gatewayView } from "./gateway-view.ts";
import type { EnvironmentKind } from "./gateway-view.ts";
import { generatedToken } from "./keys.ts";
import { gatewayLedger } from "./ledger.ts";
import type { LedgerEntry } from "./ledger.ts";
import { identityFingerprints, valueOf } from "./node-identity.ts";
import { overdueOf } from "./overdue.ts";
import { privatePaths } from "./private-paths.ts";
import { rotationGuard } from "./rotation-guard.ts";
import type { LayersView } from "./rotation-guard.ts";
import type { RuntimePlan } from "./runtime.ts";

/** Seconds a starting gateway may take: 10 to 30 measured, more on a busy machine. */
const READY_SECONDS = 180;

/** Secrets of one gateway, as outputs. */
export interface GatewaySecrets {
  /** Session token; default: one is generated and kept as a secret output. */
  readonly token?: pulumi.Output<string>;
  /** Provider keys by agent id and provider. */
  readonly credentials: Readonly<Record<string, Readonly<Record<string, pulumi.Output<string>>>>>;
  /** The node's own identity at secret managers, by variable. */
  readonly identity: Readonly<Record<string, pulumi.Output<string>>>;
}

export interface GatewayComponentArgs {
  readonly node: NodeDesign;
  readonly gateway: GatewaySpec;
  /** What the gateway's environment is for; undefined where the program does not say. */
  readonly environmentKind: EnvironmentKind | undefined;
  readonly secrets: GatewaySecrets;
  /** By reference, of secrets whose manager has versions. */
  readonly secretVersions: Readonly<Record<string, string>>;
  /** What the last update of the stack left. */
  readonly lastLedger: pulumi.Output<unknown> | undefined;
  /** The principals of `gateway.access`, by name. */
  readonly principals: Readonly<Record<string, PrincipalKey>>;
  /** Signs the certificate of a gateway with `https`. */
  readonly authority?: Authority;
  readonly fingerprintKey: pulumi.Output<string>;
  readonly plan: RuntimePlan;
  readonly target: NodeTarget;
  /** Commands that have to be done before the account, and before the first generation. */
  readonly bootstrapped: readonly pulumi.Resource[];
  readonly installed: readonly pulumi.Resource[];
}

interface RenderArgs extends GatewayComponentArgs {
  readonly https: GatewayCertificate | undefined;
}

interface SwitchArgs extends RenderArgs {
  readonly rendered: pulumi.Output<RenderedGeneration>;
}

/** One OpenClaw gateway: OS user, agents, generation, and the confirmation that it serves. */
export class Gateway extends pulumi.ComponentResource {
  readonly gateway: string;
  readonly environment: string;
  readonly user: string;
  readonly port: number;
  /** As seen on the node. */
  readonly endpoint: string;
  readonly unit: string;
  readonly tokenFingerprint: pulumi.Output<string>;
  /** Secret. */
  readonly token: pulumi.Output<string>;
  readonly agents: Readonly<Record<string, Agent>>;
  /** Content hash of the desired state. */
  readonly generation: pulumi.Output<string>;
  /** Its HTTPS certificate; undefined without `https`. */
  readonly certificate: pulumi.Output<CertificateView | undefined>;
  /** What the switch reported. */
  readonly switched: pulumi.Output<GatewayResult>;
  /** What the second SSH session found. */
  readonly verified: pulumi.Output<VerifyResult>;
  /** Every credential of the gateway with its dates; no secret. */
  readonly ledger: pulumi.Output<LedgerEntry[]>;
  /** The command after which the next gateway of the node may start. */
  readonly last: pulumi.Resource;

  constructor(name: string, args: GatewayComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    const { node, gateway, plan, fingerprintKey, environmentKind } = args;
    const layout = gatewayLayout(node.platform, gateway);
    // A sibling: the public view below holds its fingerprint.
    const token = args.secrets.token ?? generatedToken(name, opts?.parent === undefined ? {} : { parent: opts.parent });
    const tokenView = secretView(token, slots.gatewayToken(gateway.name), fingerprintKey);
    const credentials = agentCredentials(gateway, args.secrets.credentials, fingerprintKey);
    const layers: LayersView = {
      tokenFingerprint: tokenView.fingerprint,
      providerFingerprints: Object.fromEntries(
        Object.entries(credentials).flatMap(([agent, own]) =>
          own.map((credential) => [`${agent}/${credential.view.provider}`, changeMark(credential)]),
        ),
      ),
    };
    super(
      "gatehouse:index:Gateway",
      name,
      {
        gateway: gateway.name,
        environment: gateway.environment,
        user: layout.user,
        port: gateway.port,
        bind: gateway.https?.listen ?? "loopback",
        unit: layout.unitName,
        paths: privatePaths(gateway, layout),
        designHash: designHash(gateway, plan.unitRuntime),
        access: accessView(gateway),
        ...gatewayView({ node, gateway, layout, plan, environmentKind }),
        ...layers,
        overdue: args.lastLedger?.apply((ledger) =>
          overdueOf(ledger, { node: node.name, gateway: gateway.name }, new Date()),
        ),
        ...(gateway.nodeIdentity === undefined ? {} : { nodeIdentity: gateway.nodeIdentity }),
        ...(gateway.change === undefined ? {} : { change: gateway.change }),
      },
      pulumi.mergeOptions(opts, { hooks: { beforeUpdate: [rotationGuard(name)] } }),
    );
    this.gateway = gateway.name;
    this.environment = gateway.environment;
    this.user = layout.user;
    this.port = gateway.port;
    this.endpoint = `${gateway.https === undefined ? "ws" : "wss"}://127.0.0.1:${gateway.port}`;
    this.unit = layout.unitName;
    this.token = token;
    this.tokenFingerprint = tokenView.fingerprint;

    const https =
      gateway.https && args.authority && gatewayCertificate(name, gateway.https, args.authority, { parent: this });
    this.certificate = https === undefined ? pulumi.output(undefined) : https.view;
    const rendered = this.#render({ ...args, https }, credentials);
    const target = this.#observed(name, args.target, rendered);
    const account = this.#account(name, layout, args, target);
    this.agents = this.#agents(name, { layout, credentials, account, target }, args);
    const access = accessOf(name, { ...args, target, layout, parent: this, after: account.command });
    const live = this.#switch(name, { ...args, https, rendered }, target, account);
    this.generation = live.generation;
    this.switched = live.switched;
    this.verified = live.verified;
    this.last = live.last;
    this.ledger = gatewayLedger({
      node: node.name,
      gateway,
      unit: this.unit,
      token: tokenView,
      credentials,
      secretVersions: args.secretVersions,
      verified: this.verified,
      principals: args.principals,
      certificate: this.certificate,
      installed: access === undefined ? pulumi.output([]) : access.result.apply(({ keys }) => keys),
    });
    this.registerOutputs({
      endpoint: this.endpoint,
      generation: this.generation,
      tokenFingerprint: this.tokenFingerprint,
      health: this.verified.apply(({ health }) => health),
    });
  }

  /** What refresh reads of it comes before its phases: those that drifted run again. */
  #observed(name: string, target: NodeTarget, rendered: pulumi.Output<RenderedGeneration>): PhaseTarget {
    const { connection, programId, machineId } = target;
    const gateway = rendered.apply(({ gateway: own, user, home, unit, generation, agents, metrics }) => ({
      ...{ gateway: own, user, home, unit, generation },
      agents: agents.map(({ id }) => id),
      ...(metrics && { metrics }),
    }));
    const observation = new Observation(
      `${name}-observation`,
      { connection, programId, machineId, gateway },
      { parent: this },
    );
    return { ...target, observation };
  }

  #account(
    name: string,
    layout: GatewayLayout,
    args: GatewayComponentArgs,
    target: PhaseTarget,
  ): RemotePhase<AccountResult> {
    return remotePhase(
      `${name}-account`,
      {
        phase: "account",
        connection: target.connection,
        programId: target.programId,
        observation: target.observation,
        payload: target.machine.apply((machine) => ({
          machine,
          gateway: args.gateway.name,
          user: layout.user,
          home: layout.home,
          sharedDirectories: [...new Set(args.gateway.agents.flatMap((agent) => agent.sharedDirectories))].sort(),
          // absent: at boot, as in payloads of before
          ...(args.gateway.startsAt === "login" && { startsAt: args.gateway.startsAt }),
          purge: args.gateway.purgeOnDestroy,
        })),
      },
      { parent: this, dependsOn: [...args.bootstrapped] },
    );
  }

  /** One after the other: side by side they would only compete for handshakes (docs/decisions/0001). */
  #agents(
    name: string,
    {
      layout,
      credentials,
      account,
      target,
    }: {
      readonly layout: GatewayLayout;
      readonly credentials: Readonly<Record<string, readonly AgentCredential[]>>;
      readonly account: RemotePhase<AccountResult>;
      readonly target: PhaseTarget;
    },
    { gateway, environmentKind, fingerprintKey }: GatewayComponentArgs,
  ): Record<string, Agent> {
    const agents: Record<string, Agent> = {};
    let after: pulumi.Resource[] = [account.command];
    for (const agent of gateway.agents) {
      const made = new Agent(
        // a slash is in no name: gateway `a` with agent `b-c` and gateway `a-b` with agent `c` stay apart
        `${name}/${agent.id}`,
        {
          gateway,
          environmentKind,
          agent,
          layout,
          credentials: credentials[agent.id] ?? [],
          fingerprintKey,
          after,
          account,
          target,
        },
        { parent: this },
      );
      agents[agent.id] = made;
      after = [made.staging.command];
    }
    return agents;
  }

  /** The generation switch, and its confirmation from another SSH session. */
  #switch(name: string, args: SwitchArgs, target: PhaseTarget, account: RemotePhase<AccountResult>) {
    const { connection, programId, machine, observation } = target;
    const { rendered } = args;
    const staged = Object.values(this.agents).map(({ staging }) => staging.command);
    // What these leave behind is removed before they are made again, and the gateway stands on all of it.
    const foundations = [account.command, ...staged];
    const generation = remotePhase(
      `${name}-gateway`,
      {
        phase: "gateway",
        connection,
        programId,
        observation,
        payload: pulumi
          .all([machine, rendered, this.token, pulumi.output(args.secrets.identity), pulumi.output(args.https?.key)])
          .apply(([expected, { launch, https, ...desired }, value, identity, key]) => ({
            machine: expected,
            ...desired,
            token: { ...desired.token, value },
            ...(https && { https: { ...https, key: key ?? "" } }),
            ...(launch && {
              launch: {
                ...launch,
                credentials: launch.credentials.map((own) => ({ ...own, value: valueOf(identity, own.variable) })),
              },
            }),
            readyTimeoutSeconds: READY_SECONDS,
            purge: args.gateway.purgeOnDestroy,
          })),
        sealing: sealingFor(account, args.fingerprintKey),
      },
      { parent: this, dependsOn: [...foundations, ...args.installed], replaceWith: foundations },
    );
    const verification = remotePhase(
      `${name}-verify`,
      {
        phase: "verify",
        connection,
        programId,
        observation,
        payload: pulumi
          .all([machine, rendered])
          .apply(([expected, { gateway, user, home, port, unit, generation: wanted, openclawVersion }]) => ({
            machine: expected,
            ...{ gateway, user, home, port, unit, generation: wanted, openclawVersion },
            keepDevices: args.gateway.keepDevices,
          })),
      },
      // a generation that nobody confirms is taken back
      { parent: this, dependsOn: [generation.command], replaceWith: [generation.command] },
    );
    return {
      generation: rendered.generation,
      switched: generation.result,
      verified: verification.result,
      last: verification.command,
    };
  }

  #render(
    args: RenderArgs,
    credentials: Readonly<Record<string, readonly AgentCredential[]>>,
  ): pulumi.Output<RenderedGeneration> {
    const { node, gateway, plan } = args;
    const fingerprints = pulumi.output(
      Object.entries(credentials).flatMap(([agent, own]) =>
        own.flatMap(({ view }) =>
          view.resolve === "node" ? [] : [{ agent, provider: view.provider, digest: view.fingerprint }],
        ),
      ),
    );
    const identity = identityFingerprints(gateway.name, args.secrets.identity, args.fingerprintKey);
    const https = args.https && { certificate: args.https.certificate, authority: args.https.authority };
    return pulumi
      .all([this.tokenFingerprint, fingerprints, identity, pulumi.output(https)])
      .apply(([tokenFingerprint, known, own, certificates]) =>
        renderGeneration({
          ...(certificates && { https: certificates }),
          node,
          gateway,
          runtime: plan.unitRuntime,
          tokenFingerprint,
          credentialFingerprint: (agent, provider) => {
            const found = known.find((entry) => entry.agent === agent && entry.provider === provider);
            if (found === undefined) throw new Error(`agent ${agent}: no credential for provider ${provider}`);
            return found.digest;
          },
          launcher: { program: plan.launcherText, identityFingerprint: (variable) => valueOf(own, variable) },
        }),
      );
  }
}
