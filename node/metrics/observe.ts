import { Gaps, sourcesOf } from "../diagnose/sources.ts";
import { variableEvidence } from "../diagnose/variables.ts";
import type { VariableEvidence } from "../diagnose/evidence.ts";
import { DEVIATION_KINDS, MACHINE_KINDS } from "../drift/deviation.ts";
import type { DeviationKind } from "../drift/deviation.ts";
import { inspect } from "../drift/inspect.ts";
import { readIssued } from "../generation/issued.ts";
import { endpointOf, liveGeneration, readGeneration } from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { askGateway } from "../lib/gateway-http.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import { member } from "../lib/member.ts";
import type { Context } from "../phase.ts";
import type { MetricsSettings } from "../protocol.ts";

/** What the metrics are read from. */
export type Source = "journal" | "generation" | "process" | "ledger" | "drift";

/** What one run found beside the log; null where it could not be found out. */
export interface Observation {
  /** RFC 3339, by the node's clock. */
  readonly time: string;
  readonly ready: boolean;
  readonly live: {
    readonly generation: string;
    readonly openclawVersion: string;
    /** RFC 3339; absent without HTTPS. */
    readonly certificateEnd?: string;
  } | null;
  /** By variable: whether the running process has it as it was delivered. */
  readonly carried: ReadonlyMap<string, boolean> | null;
  /** By variable: since when it has its value; RFC 3339. */
  readonly rotated: ReadonlyMap<string, string> | null;
  readonly drift: Readonly<Partial<Record<DeviationKind, number>>> | null;
  readonly sources: Readonly<Record<Source, boolean>>;
}

const READY_MS = 5000;

async function isReady(stored: StoredGeneration): Promise<boolean> {
  try {
    const { body } = await askGateway(endpointOf(stored), "/readyz", { signal: AbortSignal.timeout(READY_MS) });
    return member(JSON.parse(body), "ready") === true;
  } catch {
    return false;
  }
}

/** Undefined where nothing can be said: no process, or a value that only the process has. */
function isCarried({ carrier, sources }: VariableEvidence): boolean | undefined {
  const state = carrier === "key file" ? sources.environmentFile : sources.process;
  if (state === null) return undefined;
  return state === "same" || state === "set";
}

async function carriedOf(
  home: GatewayHome,
  stored: StoredGeneration,
  context: Context,
  gaps: Gaps,
): Promise<ReadonlyMap<string, boolean>> {
  const facts = await context.platform.services.inspect(stored.manifest.unit);
  const sources = await sourcesOf(home, facts, context, gaps);
  return new Map(
    variableEvidence(stored, sources).flatMap((one) => {
      const carried = isCarried(one);
      return carried === undefined ? [] : [[one.variable, carried] as const];
    }),
  );
}

async function driftOf(
  gateway: string,
  settings: MetricsSettings,
  { manifest }: StoredGeneration,
  context: Context,
): Promise<Observation["drift"]> {
  const { name: user, home } = ownUser();
  const { unit, generation, agents: own } = manifest;
  const agents = own.map(({ id }) => id);
  const { deviations } = await inspect({ gateway, user, home, unit, generation, agents, metrics: settings }, context);
  const kinds = DEVIATION_KINDS.filter((kind) => !MACHINE_KINDS.includes(kind));
  return Object.fromEntries(
    kinds.map((kind) => [kind, deviations.filter((deviation) => deviation.kind === kind).length]),
  );
}

/** Runs as the gateway's user; reads only, and starts no command of the vendor's: each would cost 1 to 3 s of a processor. */
export async function observe(
  gateway: string,
  settings: MetricsSettings,
  home: GatewayHome,
  context: Context,
): Promise<Omit<Observation, "sources"> & { readonly sources: Readonly<Record<Exclude<Source, "journal">, boolean>> }> {
  const gaps = new Gaps();
  const name = await gaps.part("generation", () => liveGeneration(home));
  const stored = name === null ? null : await gaps.part("generation", () => readGeneration(home, name));
  // in the middle of a switch everything differs
  const switching = (await readTextOrNull(home.switchJournal)) !== null;
  const [ready, issued, carried, drift] = await Promise.all([
    stored === null ? false : isReady(stored),
    gaps.part("ledger", () => readIssued(home)),
    stored === null ? null : gaps.part("process", () => carriedOf(home, stored, context, gaps)),
    stored === null || switching ? null : gaps.part("drift", () => driftOf(gateway, settings, stored, context)),
  ]);
  const https = stored?.manifest.https;
  return {
    time: new Date().toISOString(),
    ready,
    live:
      stored === null
        ? null
        : {
            generation: stored.manifest.generation,
            openclawVersion: stored.manifest.openclawVersion,
            ...(https && { certificateEnd: https.notAfter }),
          },
    carried,
    rotated: issued === null ? null : new Map(issued.map(({ variable, rotated }) => [variable, rotated])),
    drift,
    sources: {
      generation: stored !== null,
      process: carried !== null,
      ledger: issued !== null,
      drift: drift !== null || (stored !== null && switching),
    },
  };
}
