import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { LocalWorkspace, type OutputMap, type PulumiFn, type Stack } from "@pulumi/pulumi/automation/index.js";
import { buildPolicies } from "../policies/build.js";
import { parseFleet, type FleetInput } from "../spec/index.ts";
import { readyEngine, type Engine, type PluginChoice } from "./engine.ts";
import { runEngine } from "./engine-command.ts";
import { OperationError } from "./error.ts";
import { EventCollector, type Diagnostic, type PlannedChange, type PolicyViolation, type Progress } from "./events.ts";
import { parseOutputs, type StackOutputs } from "./outputs.ts";
import { ensurePassphrase } from "./passphrase.ts";
import { clearPendingOperations } from "./pending.ts";
import { engineFailure, runFailure } from "./run-failure.ts";
import { ensureProjectFile, FLEET_KEY, PROJECT, putSettings } from "./settings.ts";
import { putSecrets } from "./stack-secrets.ts";
import { removeStaleLocks } from "./stale-lock.ts";
import { defaultStateDirectory, ensurePrivateDirectory } from "./state-directory.ts";

const POLICY_PACK = join(import.meta.dirname, "..", "policies");
const REMINDER_MS = 20_000;

export interface OpenStackOptions {
  /** Letters, digits, `_`, `.` and `-`. */
  readonly stack: string;
  /** Directory of ours alone (0700) for passphrase, project and state; default `~/.local/state/gatehouse`. */
  readonly stateDir?: string;
  /** Stored as `gatehouse:fleet`; default what is stored. */
  readonly fleet?: FleetInput;
  /** Stored as encrypted `gatehouse:KEY`; secrets stored earlier stay. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Default PULUMI_BACKEND_URL, else `file://STATEDIR/backend`. */
  readonly backendUrl?: string;
  /** CLI and plugins from `readyEngine`; default: made ready here, of the kind that `plugins` says. */
  readonly engine?: Engine;
  /** Official plugins, the air-gapped stand-ins, or what is there; default `auto`. */
  readonly plugins?: PluginChoice;
  /** Whether the policy pack decides too; default true. */
  readonly policyPack?: boolean;
  /** JSON file with levels, parameters and exceptions of the pack's rules; default none. */
  readonly policyConfig?: string;
  /** Default the program of `index.ts`. */
  readonly program?: PulumiFn;
  readonly progress: Progress;
  /** Ends a run; what is under way on a node ends by itself. */
  readonly signal?: AbortSignal;
}

/** What a run did or would do. */
export interface RunReport {
  /** Resources by operation: `same`, `create`, `update`, `delete`, `replace`. */
  readonly changes: Readonly<Record<string, number>>;
  readonly diagnostics: readonly Diagnostic[];
  /** Advisory ones; a mandatory one fails the run. */
  readonly policyViolations: readonly PolicyViolation[];
  readonly seconds: number;
}

export interface PreviewOptions {
  /** Look at the machines first, so that what drifted is planned too; default false: no machine is contacted. */
  readonly refresh?: boolean;
}

export interface UpOptions extends PreviewOptions {
  /** Names of resources to make anew. */
  readonly replace?: readonly string[];
  /** Sees what would change, before anything does; throws to stop it. */
  readonly inspect?: (planned: readonly PlannedChange[]) => void | Promise<void>;
}

export interface UpReport extends RunReport {
  readonly outputs: StackOutputs;
}

/** One of our components in the state; no secret is in its inputs. */
export interface StackComponent {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** One stack of the fleet's program. Every method throws `OperationError` with causes and fixes. */
export interface GatehouseStack {
  readonly name: string;
  readonly stateDir: string;
  preview(options?: PreviewOptions): Promise<RunReport>;
  /** Previews, so that a violation is found before any node is contacted, then applies what changes, if anything does. */
  up(options?: UpOptions): Promise<UpReport>;
  /** Removes what the stack made; a gateway's state and workspaces stay unless its spec says to purge. */
  destroy(): Promise<RunReport>;
  outputs(): Promise<StackOutputs>;
  /** The components of the last update, with their inputs as the state has them. */
  components(): Promise<readonly StackComponent[]>;
  /** SECRET: the stack's settings by full key, `gatehouse:fleet`, decrypted. */
  settings(): Promise<Readonly<Record<string, string>>>;
}

/**
 * Opens a stack, and makes everything it needs: engine, plugins, policy pack, state directory, passphrase.
 * @throws {SpecError} for a fleet that can't be used, before anything else happens.
 * @throws {OperationError} when something can't be made ready.
 */
export async function openStack(options: OpenStackOptions): Promise<GatehouseStack> {
  if (options.fleet !== undefined) parseFleet(options.fleet);
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(options.stack)) {
    throw OperationError.of("stack-name", "that is no name of a stack", "use letters, digits, '_', '.' and '-'");
  }
  const { progress } = options;
  const stateDir = resolve(options.stateDir ?? defaultStateDirectory(process.env));
  await ensurePrivateDirectory(stateDir);
  const project = join(stateDir, "project");
  const backend = join(stateDir, "backend");
  for (const directory of [project, backend]) await ensurePrivateDirectory(directory);
  const passphrase = await ensurePassphrase(stateDir, process.env);
  const engine = options.engine ?? (await readyEngine(options.plugins ?? "auto", progress));
  if (options.policyPack !== false) buildPolicies();
  await ensureProjectFile(project);
  if (options.fleet !== undefined) await putSettings(project, options.stack, { [FLEET_KEY]: options.fleet });
  const ownBackend = pathToFileURL(backend).href;
  if (options.backendUrl === undefined) await removeStaleLocks(backend, PROJECT, options.stack, progress);
  const backendUrl = options.backendUrl ?? process.env["PULUMI_BACKEND_URL"] ?? ownBackend;
  try {
    const stack = await LocalWorkspace.createOrSelectStack(
      {
        stackName: options.stack,
        projectName: PROJECT,
        program: options.program ?? (await import("../index.ts")).default,
      },
      { workDir: project, envVars: { ...engine.plugins.env, ...passphrase, PULUMI_BACKEND_URL: backendUrl } },
    );
    await putSecrets(stack, options.secrets ?? {});
    return new OpenStack(stack, stateDir, options);
  } catch (error) {
    throw runFailure(error, new EventCollector(progress));
  }
}

interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

class OpenStack implements GatehouseStack {
  readonly name: string;
  readonly stateDir: string;
  readonly #stack: Stack;
  readonly #options: OpenStackOptions;

  constructor(stack: Stack, stateDir: string, options: OpenStackOptions) {
    this.#stack = stack;
    this.name = options.stack;
    this.stateDir = stateDir;
    this.#options = options;
  }

  async preview({ refresh = false }: PreviewOptions = {}): Promise<RunReport> {
    return (await this.#preview([], refresh)).report;
  }

  async up({ replace = [], refresh = false, inspect }: UpOptions = {}): Promise<UpReport> {
    const urns = await this.#urnsOf(replace);
    const preview = await this.#preview(urns, refresh);
    await inspect?.(preview.planned);
    if (!preview.altersState) return { ...preview.report, outputs: await this.outputs() };
    const { report, result, sawPending } = await this.#run((common) =>
      this.#stack.up({ ...common, refresh, replace: urns }),
    );
    if (sawPending) await clearPendingOperations(this.#stack);
    return { ...report, seconds: preview.report.seconds + report.seconds, outputs: readOutputs(result.outputs) };
  }

  async destroy(): Promise<RunReport> {
    return (await this.#run((common) => this.#stack.destroy(common))).report;
  }

  async outputs(): Promise<StackOutputs> {
    const { ok, stdout, stderr } = await runEngine(this.#stack, ["stack", "output", "--json", "--show-secrets"]);
    if (!ok) throw new OperationError([engineFailure(stderr)]);
    return parseOutputs(JSON.parse(stdout));
  }

  async components(): Promise<readonly StackComponent[]> {
    const resources = await this.#resources();
    return resources.flatMap(({ urn, type, inputs = {} }) =>
      type.startsWith("gatehouse:index:") ? [{ urn, type, name: urn.split("::").at(-1) ?? "", inputs }] : [],
    );
  }

  async settings(): Promise<Readonly<Record<string, string>>> {
    const all = await this.#stack.getAllConfig();
    return Object.fromEntries(Object.entries(all).map(([key, { value }]) => [key, value]));
  }

  #preview(replace: string[], refresh: boolean) {
    return this.#run((common) => this.#stack.preview({ ...common, refresh, replace }));
  }

  async #urnsOf(names: readonly string[]): Promise<string[]> {
    if (names.length === 0) return [];
    const resources = await this.#resources();
    return names.map((name) => {
      const found = resources.find(({ urn }) => urn.endsWith(`::${name}`));
      if (found !== undefined) return found.urn;
      throw OperationError.of("outputs", `the stack has no resource '${name}'`, "run `gatehouse up` once");
    });
  }

  async #resources(): Promise<readonly StateResource[]> {
    const exported: { readonly deployment: unknown } = await this.#stack.exportStack();
    const { resources = [] } = exported.deployment as { readonly resources?: readonly StateResource[] };
    return resources;
  }

  async #run<T>(operation: (common: CommonOptions) => Promise<T>) {
    const { progress, policyPack, policyConfig, signal } = this.#options;
    const events = new EventCollector(progress);
    const started = performance.now();
    const reminder = setInterval(events.remind, REMINDER_MS);
    try {
      const result = await operation({
        onEvent: events.add,
        color: "never",
        suppressProgress: true,
        suppressOutputs: true,
        policyPacks: policyPack === false ? [] : [POLICY_PACK],
        // one for each pack, by position
        policyPackConfigs: policyPack === false || policyConfig === undefined ? [] : [resolve(policyConfig)],
        ...(signal !== undefined && { signal }),
      });
      const report: RunReport = {
        changes: events.changes,
        diagnostics: events.diagnostics,
        policyViolations: events.violations,
        seconds: (performance.now() - started) / 1000,
      };
      return {
        result,
        report,
        altersState: events.altersState,
        planned: events.planned,
        sawPending: events.sawPending,
      };
    } catch (error) {
      if (signal?.aborted === true) throw interrupted();
      throw runFailure(error, events);
    } finally {
      clearInterval(reminder);
    }
  }
}

function interrupted(): OperationError {
  return OperationError.of(
    "interrupted",
    "the run was interrupted",
    "run the same command again: it continues where it can",
  );
}

function readOutputs(outputs: OutputMap): StackOutputs {
  return parseOutputs(Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value as unknown])));
}

interface CommonOptions {
  readonly onEvent: EventCollector["add"];
  readonly color: "never";
  readonly suppressProgress: boolean;
  readonly suppressOutputs: boolean;
  readonly policyPacks: string[];
  readonly policyPackConfigs: string[];
  readonly signal?: AbortSignal;
}
