import type { DeclaredGateway, Deviation, DriftPayload, NodeDrift } from "../node/drift/deviation.ts";
import type { PhaseName } from "../node/protocol.ts";

/** What one observation is of: a machine with its runtime, or one gateway on it. */
export interface Subject {
  /** Of the machine that was provisioned. */
  readonly machineId: string;
  readonly machine?: {
    readonly alwaysOn: boolean;
    /** Directory name of the OpenClaw runtime. */
    readonly runtime: string;
  };
  readonly gateway?: DeclaredGateway;
}

/** What `refresh` found out, as it stands in the state. No secret. */
export interface Observed {
  /** One line for each difference; empty: none was found. */
  readonly deviations: readonly string[];
  /** Phases that the next update runs again. */
  readonly due: readonly PhaseName[];
  /** How often drift has made a phase run again. */
  readonly repeats: Readonly<Partial<Record<PhaseName, number>>>;
}

export const NOTHING_OBSERVED: Observed = { deviations: [], due: [], repeats: {} };

/** What a `drift` or `repair` visit is sent. */
export function payloadOf({ machineId, machine, gateway }: Subject): DriftPayload {
  return {
    machineId,
    alwaysOn: machine?.alwaysOn ?? false,
    ...(machine && { runtime: machine.runtime }),
    gateways: gateway === undefined ? [] : [gateway],
  };
}

/** The part of a node's answer that is about the subject; that it is another machine is about everything on it. */
export function deviationsOf({ machine }: Subject, { deviations, gateways }: NodeDrift): readonly Deviation[] {
  if (machine !== undefined) return deviations;
  const another = deviations.filter(({ kind }) => kind === "another-machine");
  return [...another, ...gateways.flatMap((gateway) => gateway.deviations)];
}

const RUNTIME: readonly PhaseName[] = ["runtime"];
const GENERATION: readonly PhaseName[] = ["gateway", "verify"];
const STAGED: readonly PhaseName[] = ["agent", ...GENERATION];
const ALL: readonly PhaseName[] = ["account", "access", ...STAGED];

/** Every phase that a subject is made by. */
export function phasesOf({ machine }: Subject): readonly PhaseName[] {
  return machine === undefined ? ALL : RUNTIME;
}

function phasesBehind(subject: Subject, { kind, mending }: Deviation): readonly PhaseName[] {
  if (mending === "by hand") return [];
  if (subject.machine !== undefined) return RUNTIME;
  if (kind === "user-missing") return ALL;
  return kind === "generation-damaged" ? STAGED : GENERATION;
}

/** The phases whose work the deviations have undone, in the order in which they run. */
export function phasesDue(subject: Subject, deviations: readonly Deviation[]): readonly PhaseName[] {
  const due = new Set(deviations.flatMap((one) => phasesBehind(subject, one)));
  return phasesOf(subject).filter((phase) => due.has(phase));
}
