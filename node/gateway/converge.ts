import { createHash } from "node:crypto";
import { join } from "node:path";
import { checkedCertificate } from "../generation/certificate.ts";
import { composeSecrets } from "../generation/credentials.ts";
import type { Manifest } from "../generation/manifest.ts";
import { requireRuntime } from "../generation/runtime.ts";
import { readGeneration, stageGeneration } from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { ensureDirectory, removeLeftovers } from "../lib/atomic.ts";
import { PhaseFailure } from "../lib/failure.ts";
import { gatewayDirectories, gatewayHome } from "../lib/gateway-home.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { withGatewayLock } from "../lib/gateway-lock.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { placeMetrics, removeMetrics } from "../metrics/place.ts";
import type { Context } from "../phase.ts";
import { EXIT } from "../protocol.ts";
import type { GatewayPayload } from "../protocol.ts";
import { switchTo } from "../switch/switch.ts";
import type { Switched } from "../switch/switch.ts";
import { gatewayPayload } from "./payload.ts";

export interface Converged extends Switched {
  readonly profile: Manifest["profile"];
  /** Runtimes that the kept generations need. */
  readonly runtimes: readonly string[];
}

/** Whoever listens there, unless it is this gateway's own unit. */
async function refuseOtherListener({ port, unit }: GatewayPayload, context: Context): Promise<void> {
  const { platform } = context;
  const uid = await platform.listenerUid(port);
  if (uid === undefined || (uid === ownUser().uid && (await platform.services.state(unit)).mainPid !== 0)) return;
  throw new PhaseFailure({
    layer: "host",
    code: "port-taken",
    message: `port ${port} is taken by a process of uid ${uid}`,
    fix: `find it with \`${platform.hints.listener(port)}\`, or give this gateway another port in the spec`,
    exit: EXIT.os,
  });
}

function noMounts(gateway: string): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "no-mounts",
    message: `agents of ${gateway} have shared directories, and this node's user manager may not create the namespaces that mount them`,
    fix: "allow them (sysctl kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns), or take sharedDirectories out of the spec",
    exit: EXIT.unavailable,
  });
}

async function buildGeneration(
  payload: GatewayPayload,
  home: GatewayHome,
  context: Context,
): Promise<StoredGeneration> {
  const [secrets, profile] = await Promise.all([
    composeSecrets(home, payload, context.platform.environmentFile),
    context.platform.services.profile(),
  ]);
  if (profile === "seccomp-only" && /^BindReadOnlyPaths=/m.test(payload.files.unit)) throw noMounts(payload.gateway);
  return {
    manifest: {
      generation: payload.generation,
      gateway: payload.gateway,
      port: payload.port,
      unit: payload.unit,
      runtimeId: payload.runtimeId,
      nodePath: payload.nodePath,
      cliPath: join(context.paths.runtimes, payload.runtimeId, "node_modules/openclaw/openclaw.mjs"),
      openclawVersion: payload.openclawVersion,
      readyTimeoutSeconds: payload.readyTimeoutSeconds,
      profile,
      tokenVariable: payload.token.variable,
      tokenFingerprint: payload.token.fingerprint,
      agents: payload.agents,
      policy: createHash("sha256").update(payload.files.policy).digest("hex"),
      ...(payload.https === undefined ? {} : { https: checkedCertificate(payload.https, new Date()) }),
      ...(payload.launch === undefined ? {} : { launch: payload.launch.plan }),
    },
    files: {
      config: payload.files.config,
      ...secrets,
      unit: profile === "seccomp-only" ? payload.files.unitWithoutNamespaces : payload.files.unit,
      secretsPlan: payload.files.secretsPlan,
      policy: payload.files.policy,
      ...(payload.https === undefined
        ? {}
        : {
            certificate: payload.https.certificate,
            certificateKey: payload.https.key,
            authority: payload.https.authority,
          }),
      ...(payload.launch === undefined ? {} : { launcher: payload.launch.program }),
    },
  };
}

async function convergeMetrics(
  { gateway, unit, metrics }: GatewayPayload,
  home: GatewayHome,
  context: Context,
): Promise<void> {
  if (metrics === undefined) await removeMetrics(home, gateway, context);
  else await placeMetrics(home, { gateway, unit, settings: metrics }, context);
}

/** `gatehouse-node internal gateway-converge`: stages the generation and switches to it. Runs as the gateway user. */
export async function converge(untrusted: unknown, context: Context): Promise<Converged> {
  const payload = gatewayPayload(untrusted, "payload");
  const { home: homeDirectory } = ownUser();
  const home = gatewayHome(homeDirectory);
  const agents = payload.agents.map(({ id }) => id);
  for (const path of gatewayDirectories(homeDirectory, agents)) await ensureDirectory(path, { mode: 0o700 });
  return await withGatewayLock(home, context, async () => {
    await removeLeftovers(home.generations);
    await refuseOtherListener(payload, context);
    const generation = await buildGeneration(payload, home, context);
    await requireRuntime(generation.manifest);
    // before the switch: what fails here leaves the gateway as it was
    await convergeMetrics(payload, home, context);
    await stageGeneration(home, generation);
    const switched = await switchTo(home, generation, payload.keepGenerations, context);
    const kept = await Promise.all(switched.kept.map((name) => readGeneration(home, name)));
    return {
      ...switched,
      profile: generation.manifest.profile,
      runtimes: [...new Set(kept.flatMap((stored) => (stored === null ? [] : [stored.manifest.runtimeId])))],
    };
  });
}
