import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "../generation/manifest.ts";
import { listGenerations, liveGeneration, readGeneration } from "../generation/store.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { snapshotFor } from "../state/guard.ts";
import type { CredentialChange, RollbackPoint, RollbackPoints } from "./point.ts";

type Credential = Omit<CredentialChange, "before" | "after">;
type Credentials = ReadonlyMap<string, Credential & { readonly fingerprint: string }>;

function credentialsOf({ tokenVariable, tokenFingerprint, agents }: Manifest): Credentials {
  const token = { track: "gateway", variable: tokenVariable, agent: null, provider: null } as const;
  const all: (Credential & { readonly fingerprint: string })[] = [
    { ...token, fingerprint: tokenFingerprint },
    ...agents.flatMap(({ id: agent, credentials }) =>
      credentials.map(
        ({ variable, provider, fingerprint }) =>
          ({ track: "provider", variable, agent, provider, fingerprint }) as const,
      ),
    ),
  ];
  return new Map(all.map((one) => [one.variable, one]));
}

/** What has another value after a switch from one generation to another. */
export function credentialChanges(from: Manifest, to: Manifest): readonly CredentialChange[] {
  const [old, now] = [credentialsOf(from), credentialsOf(to)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((variable) => {
    const [was, is] = [old.get(variable), now.get(variable)];
    const named = is ?? was;
    if (named === undefined || was?.fingerprint === is?.fingerprint) return [];
    const { track, agent, provider } = named;
    return [{ track, variable, agent, provider, before: was?.fingerprint ?? null, after: is?.fingerprint ?? null }];
  });
}

async function obstacleOf(home: GatewayHome, from: string, to: string): Promise<RollbackPoint["obstacle"]> {
  try {
    await snapshotFor(home, from, to, "keep");
    return null;
  } catch (error) {
    if (error instanceof PhaseFailure) return error.toPhaseError();
    throw error;
  }
}

/** The generations that a gateway can go back to. Runs as its user and changes nothing. */
export async function rollbackPoints(home: GatewayHome): Promise<RollbackPoints> {
  const name = await liveGeneration(home);
  const live = name === null ? null : await readGeneration(home, name);
  if (live === null) return { live: null, points: [] };
  const { generation, openclawVersion } = live.manifest;
  const points: RollbackPoint[] = [];
  for (const other of await listGenerations(home)) {
    const stored = other === name ? null : await readGeneration(home, other);
    if (stored === null) continue;
    const { mtime } = await stat(join(home.generations, other, "manifest.json"));
    points.push({
      generation: other,
      lastLive: mtime.toISOString(),
      openclawVersion: stored.manifest.openclawVersion,
      credentials: credentialChanges(live.manifest, stored.manifest),
      obstacle: await obstacleOf(home, openclawVersion, stored.manifest.openclawVersion),
    });
  }
  return { live: { generation, openclawVersion }, points };
}
