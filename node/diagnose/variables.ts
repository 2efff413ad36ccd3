import type { StoredGeneration } from "../generation/store.ts";
import { fileKeys } from "../generation/variables.ts";
import { parseEnvironmentFile } from "../environment-file.ts";
import { mask } from "../lib/mask.ts";
import type { AmbientKey, SourceState, VariableEvidence } from "./evidence.ts";

type Variables = ReadonlyMap<string, string>;

/** SECRET: the values that each source has. */
export interface Sources {
  readonly environmentFile: Variables;
  /** Other files that the unit reads, the winning one first. */
  readonly otherFiles: readonly { readonly path: string; readonly variables: Variables }[];
  /** Names that the unit takes out of the environment again. */
  readonly unset: readonly string[];
  readonly unit: Variables;
  readonly manager: Variables;
  readonly dotenv: Variables;
  /** Keys that OpenClaw reads from a file. */
  readonly keyFile: Variables;
  /** Null when no process runs. */
  readonly process: Variables | null;
}

/** Names that OpenClaw takes a provider's key from for every agent (facts: openclaw.md 1). */
const AMBIENT = /^(?!OPENCLAW_)[A-Z0-9_]+_(API_KEYS?|API_KEY_[A-Z0-9_]+|OAUTH_TOKEN|AUTH_TOKEN)$/;

function stateOf(found: string | undefined, delivered: string | undefined): SourceState {
  if (found === undefined) return "missing";
  // blanks only are no value either: the vendor trims
  if (found.trim() === "") return "empty";
  if (delivered === undefined) return "set";
  return found === delivered ? "same" : "different";
}

interface Slot {
  readonly variable: string;
  readonly carrier: VariableEvidence["carrier"];
  readonly agent: string | null;
  readonly provider: string | null;
  readonly fingerprint: string | null;
}

function slotsOf({ manifest }: StoredGeneration): Slot[] {
  const token = {
    variable: manifest.tokenVariable,
    carrier: "environment file" as const,
    agent: null,
    provider: null,
    fingerprint: manifest.tokenFingerprint,
  };
  const delivered = manifest.agents.flatMap(({ id, credentials }) =>
    credentials.map(({ provider, variable, fingerprint, delivery }) => ({
      variable,
      carrier: delivery === "file" ? ("key file" as const) : ("environment file" as const),
      agent: id,
      provider,
      fingerprint,
    })),
  );
  const launched = (manifest.launch?.secrets ?? []).map(({ variable }) => ({
    variable,
    carrier: "environment file" as const,
    agent: null,
    provider: "read by the node",
    fingerprint: null,
  }));
  return [token, ...delivered, ...launched];
}

/** Which other credential of this gateway that value is; null when it is none. */
function foreignName(variable: string, found: string | undefined, delivered: Variables): string | null {
  if (found === undefined || found.trim() === "" || found === delivered.get(variable)) return null;
  return [...delivered].find(([name, value]) => name !== variable && value === found)?.[0] ?? null;
}

/** Every credential of the generation, with what each source has of it; holds no value. */
export function variableEvidence(generation: StoredGeneration, sources: Sources): VariableEvidence[] {
  const delivered = new Map([...parseEnvironmentFile(generation.files.environment), ...fileKeys(generation)]);
  return slotsOf(generation).map(({ variable, carrier, agent, provider, fingerprint }) => {
    const state = (from: Variables): SourceState => stateOf(from.get(variable), delivered.get(variable));
    // what a process read from a file is not to be seen from outside
    const running = carrier === "key file" ? null : sources.process;
    const file = carrier === "key file" ? sources.keyFile : sources.environmentFile;
    const found = (running ?? file).get(variable);
    const another = sources.otherFiles.find(({ variables }) => variables.has(variable));
    return {
      variable,
      carrier,
      track: provider === null ? "gateway" : "provider",
      agent,
      provider,
      fingerprint,
      masked: found === undefined || found === "" ? null : mask(found),
      valueOf: foreignName(variable, found, delivered),
      overriddenBy: sources.unset.includes(variable) ? "UnsetEnvironment=" : (another?.path ?? null),
      sources: {
        environmentFile: state(file),
        otherFile: another === undefined ? "missing" : state(another.variables),
        unit: state(sources.unit),
        manager: state(sources.manager),
        dotenv: state(sources.dotenv),
        process: running === null ? null : state(running),
      },
    };
  });
}

/** Provider keys that belong to no agent, by where they are. */
export function ambientKeys(sources: Sources): AmbientKey[] {
  const { environmentFile, unit, manager, dotenv, otherFiles } = sources;
  const otherFile = new Map(otherFiles.flatMap(({ variables }) => [...variables]));
  const everywhere: Readonly<Record<AmbientKey["where"], Variables>> = {
    ...{ process: sources.process ?? new Map<string, string>(), environmentFile, otherFile, unit, manager, dotenv },
  };
  return Object.entries(everywhere).flatMap(([where, variables]) =>
    [...variables.keys()]
      .filter((variable) => AMBIENT.test(variable))
      .map((variable) => ({ variable, where: where as AmbientKey["where"] })),
  );
}

/** Every value that a secret could be, for the scrubber: all of the files, and what the process has beyond plain settings. */
export function secretValues(generation: StoredGeneration | null, sources: Sources): string[] {
  const sensitive = (variables: Variables): string[] =>
    [...variables].filter(([name]) => /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/.test(name)).map(([, value]) => value);
  return [
    ...(generation === null ? [] : parseEnvironmentFile(generation.files.environment).values()),
    ...(generation === null ? [] : fileKeys(generation).values()),
    ...sources.environmentFile.values(),
    ...sources.otherFiles.flatMap(({ variables }) => [...variables.values()]),
    ...sources.keyFile.values(),
    ...sources.dotenv.values(),
    ...sensitive(sources.unit),
    ...sensitive(sources.manager),
    ...sensitive(sources.process ?? new Map()),
  ];
}
