import type { StoredGeneration } from "../generation/store.ts";
import { gatewayHome } from "../lib/gateway-home.ts";
import { ownUser } from "../lib/gateway-user.ts";
import type { Context } from "../phase.ts";
import { filesEvidence, liveEvidence } from "./disk.ts";
import type { DiagnosePayload, UserEvidence } from "./evidence.ts";
import { identityEvidence } from "./identities.ts";
import { logEvidence } from "./log.ts";
import { scrubber } from "./scrub.ts";
import { sessionEvidence } from "./session.ts";
import { Gaps, sourcesOf } from "./sources.ts";
import { ambientKeys, secretValues, variableEvidence } from "./variables.ts";
import type { Sources } from "./variables.ts";
import { VendorLook } from "./vendor.ts";

/** What the root side passes on to the side that runs as the gateway's user. */
export interface CollectPayload extends DiagnosePayload {
  /** PATH that sudo gives to the operator. */
  readonly sudoPath: string;
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

/** Two at a time: each costs a processor for one to three seconds. */
async function vendorEvidence(look: VendorLook, agents: readonly string[], context: Context, gaps: Gaps) {
  const told = <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
    context.progress(what);
    return gaps.part(what, work);
  };
  const [gatewayStatus, config] = await Promise.all([
    told("openclaw gateway status", () => look.gatewayStatus()),
    told("openclaw config validate", () => look.config()),
  ]);
  const models: UserEvidence["models"][number][] = [];
  const lanes = [...agents];
  const lane = async (): Promise<void> => {
    for (let agent = lanes.shift(); agent !== undefined; agent = lanes.shift()) {
      const id = agent;
      const found = await told(`openclaw models status of ${id}`, () => look.models(id));
      if (found !== null) models.push(found);
    }
  };
  const lint = told("openclaw doctor --lint", () => look.lint());
  await Promise.all([lane(), lint]);
  return { gatewayStatus, config, models, lint: await lint };
}

/** Runs as the gateway's user. Reads only: it takes no lock and writes no file of its own. */
export async function collectAsUser(payload: CollectPayload, context: Context): Promise<UserEvidence> {
  const { unit: unitName, port, sinceSeconds, agents } = payload;
  const home = gatewayHome(ownUser().home);
  const { services } = context.platform;
  const gaps = new Gaps();
  const unit = await gaps.part("unit", () => services.inspect(unitName));
  const pid = unit?.evidence.mainPid ?? 0;
  const live = await gaps.part("generation", () => liveEvidence(home, services));
  const sources = await sourcesOf(home, unit?.environment ?? new Map(), pid, context, gaps);
  const stored = live?.stored ?? null;
  const scrub = scrubber(secretValues(stored, sources));
  const tokenVariable = stored?.manifest.tokenVariable ?? "OPENCLAW_GATEWAY_TOKEN";
  const startedAt = unit?.evidence.startedAt ?? null;
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
              sudoPath: payload.sudoPath,
              mainPid: pid,
            },
            context.platform,
          ),
        ),
    gaps.part("log", async () => logEvidence(await services.log(unitName, sinceSeconds), scrub)),
  ]);
  const vendor =
    stored === null
      ? { gatewayStatus: null, config: null, models: [], lint: null }
      : await vendorEvidence(new VendorLook(stored, vendorVariables(stored, sources), scrub), agents, context, gaps);
  return {
    unit: unit?.evidence ?? null,
    generation: live?.evidence ?? null,
    files,
    variables: stored === null ? [] : variableEvidence(stored, sources),
    ambient: ambientKeys(sources),
    session,
    identities,
    log,
    ...vendor,
    gaps: gaps.found,
  };
}
