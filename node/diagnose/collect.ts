import { parseEnvironmentFile } from "../environment-file.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { gatewayHome } from "../lib/gateway-home.ts";
import { ownUser } from "../lib/gateway-user.ts";
import type { Context } from "../phase.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import { configSecrets, configToken } from "./config-token.ts";
import { filesEvidence, liveEvidence } from "./disk.ts";
import type { ConfigEvidence, DiagnosePayload, SessionEvidence, UserEvidence } from "./evidence.ts";
import { identityEvidence } from "./identities.ts";
import type { OperatorPrograms } from "./identities.ts";
import { logEvidence } from "./log.ts";
import { scrubber } from "./scrub.ts";
import { sessionEvidence } from "./session.ts";
import { Gaps, sourcesOf } from "./sources.ts";
import { ambientKeys, secretValues, variableEvidence } from "./variables.ts";
import type { Sources } from "./variables.ts";
import { VendorLook } from "./vendor.ts";

/** What the root side passes on to the side that runs as the gateway's user. */
export interface CollectPayload extends DiagnosePayload {
  /** Absent where it could not be found out. */
  readonly programs?: OperatorPrograms;
}

/** The secret variables that the vendor's commands need to judge as the process would. */
function vendorVariables(generation: StoredGeneration, sources: Sources): ReadonlyMap<string, string> {
  const { manifest } = generation;
  const names = [
    manifest.tokenVariable,
    ...manifest.agents.flatMap(({ credentials }) => credentials.map(({ variable }) => variable)),
    ...(manifest.launch?.secrets ?? []).map(({ variable }) => variable),
  ];
  const from = sources.process ?? sources.environmentFile;
  return new Map(
    names.flatMap((name) => {
      const value = from.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

const VALID_AS_GENERATED: ConfigEvidence = { by: "the generation", status: 0, seconds: 0, valid: true, issues: [] };

/** SECRET. */
function deliveredToken(stored: StoredGeneration | null): string | undefined {
  if (stored === null) return undefined;
  return parseEnvironmentFile(stored.files.environment).get(stored.manifest.tokenVariable);
}

/** What the vendor's commands are asked about. */
interface Asked {
  readonly agents: readonly string[];
  readonly session: SessionEvidence;
  /** The configuration is not, byte for byte, the one that passed `config validate` before it went live. */
  readonly configTouched: boolean;
}

/**
 * Two at a time: each costs a processor for three to five seconds. The file of the generation was validated by this very
 * runtime; one that is not valid leaves nothing to ask the other commands, which would only repeat it; and where nobody
 * answers, doctor has nobody to ask.
 */
async function vendorEvidence(
  look: VendorLook,
  { agents, session, configTouched }: Asked,
  context: Context,
  gaps: Gaps,
) {
  const told = <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
    context.progress(what);
    return gaps.part(what, work);
  };
  const config = configTouched ? await told("openclaw config validate", () => look.config()) : VALID_AS_GENERATED;
  const found: {
    gatewayStatus: UserEvidence["gatewayStatus"];
    models: UserEvidence["models"][number][];
    lint: UserEvidence["lint"];
  } = { gatewayStatus: null, models: [], lint: null };
  const status = async (): Promise<void> => {
    found.gatewayStatus = await told("openclaw gateway status", () => look.gatewayStatus(context.platform));
  };
  const doctor = async (): Promise<void> => {
    found.lint = await told("openclaw doctor --lint", () => look.lint());
  };
  const modelsOf = (id: string) => async (): Promise<void> => {
    const models = await told(`openclaw models status of ${id}`, () => look.models(id));
    if (models !== null) found.models.push(models);
  };
  // a key that rests does so for seconds only: it is asked about first
  const jobs =
    config?.valid === false
      ? [status]
      : [...agents.map(modelsOf), status, ...(session.healthz === "no answer" ? [] : [doctor])];
  const lane = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
  };
  await Promise.all([lane(), lane()]);
  return { ...found, config };
}

/** Runs as the gateway's user. Reads only: it takes no lock and writes no file of its own. */
export async function collectAsUser(payload: CollectPayload, context: Context): Promise<UserEvidence> {
  const { unit: unitName, port, sinceSeconds, agents } = payload;
  const home = gatewayHome(ownUser().home);
  const { services } = context.platform;
  const gaps = new Gaps();
  const unit = await gaps.part("unit", () => services.inspect(unitName));
  const pid = unit?.evidence.mainPid ?? 0;
  const live = await gaps.part("generation", () => liveEvidence(home, services, gaps));
  const sources = await sourcesOf(home, unit, context, gaps);
  const stored = live?.stored ?? null;
  const config = (await gaps.part("configuration", () => readTextOrNull(home.config))) ?? "";
  const scrub = scrubber([...secretValues(stored, sources), ...configSecrets(config)]);
  const tokenVariable = stored?.manifest.tokenVariable ?? "OPENCLAW_GATEWAY_TOKEN";
  const startedAt = unit?.evidence.startedAt ?? null;
  const profiles = (stored?.manifest.agents ?? []).flatMap(({ id, credentials }) =>
    credentials.map(({ provider }) => `${provider}:${id}`),
  );
  const dropIns = (await gaps.part("drop-ins", () => services.dropIns(home, unitName))) ?? [];
  const sinceStart = async (): Promise<readonly string[]> => {
    const age = startedAt === null ? 0 : Math.ceil((Date.now() - Date.parse(startedAt)) / 1000);
    return pid === 0 || age < 1 ? [] : await services.log(unitName, Math.min(age, sinceSeconds));
  };
  const [files, session, identities, log] = await Promise.all([
    filesEvidence(home, {
      unit: unitName,
      agents,
      uid: ownUser().uid,
      startedAt,
      manifest: stored?.manifest ?? null,
      services,
    }),
    sessionEvidence({ port, certificate: stored?.files.certificate }, sources.environmentFile.get(tokenVariable)),
    stored === null
      ? null
      : gaps.part("identities", () =>
          identityEvidence(
            {
              manifest: stored.manifest,
              unitPath: unit?.environment.get("PATH"),
              ...(payload.programs !== undefined && { operator: payload.programs }),
              mainPid: pid,
            },
            context.platform,
          ),
        ),
    gaps.part("log", async () =>
      logEvidence(
        await services.log(unitName, sinceSeconds),
        { sinceStart: await sinceStart(), running: pid !== 0, profiles },
        scrub,
      ),
    ),
  ]);
  const vendor =
    stored === null
      ? { gatewayStatus: null, config: null, models: [], lint: null }
      : await vendorEvidence(
          new VendorLook(stored, vendorVariables(stored, sources), scrub),
          { agents, session, configTouched: config !== stored.files.config },
          context,
          gaps,
        );
  return {
    unit: unit?.evidence ?? null,
    unreadDropIns: dropIns.filter((path) => unit?.evidence.dropIns.includes(path) === false),
    generation: live?.evidence ?? null,
    files,
    configToken: configToken(config, deliveredToken(stored)),
    variables: stored === null ? [] : variableEvidence(stored, sources),
    ambient: ambientKeys(sources),
    session,
    identities,
    log,
    ...vendor,
    gaps: gaps.found,
  };
}
