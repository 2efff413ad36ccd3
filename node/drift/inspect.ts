import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { configurationAuthor, unitAuthor } from "../diagnose/author.ts";
import type { Author } from "../diagnose/author.ts";
import { declared, filesEvidence } from "../diagnose/disk.ts";
import type { FileEvidence, VariableEvidence } from "../diagnose/evidence.ts";
import { Gaps, sourcesOf } from "../diagnose/sources.ts";
import { ambientKeys, variableEvidence } from "../diagnose/variables.ts";
import type { Sources } from "../diagnose/variables.ts";
import { liveGeneration, readGeneration } from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { exists } from "../lib/exists.ts";
import { errnoOf } from "../lib/failure.ts";
import { gatewayHome } from "../lib/gateway-home.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import type { Context } from "../phase.ts";
import type { UnitFacts, UnitFiles } from "../platform/services.ts";
import { liveDifferences } from "../switch/live-files.ts";
import type { DeclaredGateway, Deviation, DeviationKind, GatewayDrift } from "./deviation.ts";
import { metricsDeviations } from "./metrics.ts";

/** By the words of `liveDifferences`. */
const CONTENT: Readonly<Record<string, DeviationKind>> = {
  configuration: "configuration",
  "environment file": "environment-file",
  unit: "unit-file",
  launcher: "launcher",
  "key file": "key-file",
  certificate: "certificate",
  "vendor policy": "vendor-policy",
};

function pathOf(kind: DeviationKind, home: GatewayHome, unitPath: string): string {
  const paths: Partial<Record<DeviationKind, string>> = {
    configuration: home.config,
    "environment-file": home.environmentFile,
    "unit-file": unitPath,
    launcher: home.launcher,
    "key-file": home.keys,
    certificate: home.tls,
    "vendor-policy": home.policy,
  };
  return paths[kind] ?? home.openclaw;
}

async function author(kind: DeviationKind, path: string, { files }: StoredGeneration): Promise<Author> {
  if (kind === "configuration") return configurationAuthor((await readTextOrNull(path)) ?? "", files.config);
  return kind === "unit-file" ? await unitAuthor(path) : "a hand";
}

async function contentDeviations(
  home: GatewayHome,
  unit: string,
  stored: StoredGeneration,
  services: UnitFiles,
): Promise<Deviation[]> {
  const found = await liveDifferences(home, stored, services);
  return await Promise.all(
    found.map(async (words): Promise<Deviation> => {
      const kind = CONTENT[words] ?? "unknown";
      const path = pathOf(kind, home, services.unitFile(home, unit).path);
      const there = await exists(path);
      return {
        kind,
        what: path,
        detail: there ? `does not say what ${stored.manifest.generation} says` : "is missing",
        likely: there ? await author(kind, path, stored) : "a hand",
        mending: "repair",
      };
    }),
  );
}

const FORM: readonly (readonly [RegExp, DeviationKind])[] = [
  [/symbolic link/, "link"],
  [/^belongs to/, "owner"],
  [/^has mode/, "mode"],
  [/^is missing/, "missing"],
];

/** Forms of what is declared; `contents` are the paths whose absence is told as a difference of content. */
function formDeviations(files: readonly FileEvidence[], contents: ReadonlySet<string>): Deviation[] {
  return files.flatMap(({ path, problems }) =>
    problems.flatMap((detail): Deviation[] => {
      const kind = FORM.find(([pattern]) => pattern.test(detail))?.[1] ?? "unknown";
      if (kind === "missing" && contents.has(path)) return [];
      const mending = kind === "unknown" ? "by hand" : "repair";
      return [{ kind, what: path, detail, likely: "a hand", mending }];
    }),
  );
}

/** Whether a variable has a value somewhere that is not the file which carries it. */
function elsewhere({ sources }: VariableEvidence, where: "dotenv" | "manager"): boolean {
  return sources[where] !== "missing";
}

function variableDeviations(home: GatewayHome, stored: StoredGeneration, sources: Sources): Deviation[] {
  const evidence = variableEvidence(stored, sources);
  const ambient = ambientKeys(sources);
  const found: Deviation[] = [];
  const add = (kind: DeviationKind, what: string, detail: string): void => {
    found.push({ kind, what, detail, likely: "a hand", mending: "repair" });
  };
  const named = (where: "dotenv" | "manager"): string[] => [
    ...new Set([
      ...evidence.filter((one) => elsewhere(one, where)).map(({ variable }) => variable),
      ...ambient.filter((one) => one.where === where).map(({ variable }) => variable),
    ]),
  ];
  const [dotenv, manager] = [named("dotenv"), named("manager")];
  if (dotenv.length > 0)
    add("dotenv", join(home.openclaw, ".env"), `sets ${dotenv.join(", ")}, which OpenClaw would take`);
  for (const variable of manager)
    add("manager-environment", variable, "is in the user manager's environment, which every unit inherits");
  const stale = evidence.filter(
    ({ carrier, sources: { process } }) =>
      carrier === "environment file" && process !== null && process !== "same" && process !== "set",
  );
  const foreign = ambient.filter(({ where, variable }) => where === "process" && !manager.includes(variable));
  for (const variable of [...stale.map((one) => one.variable), ...foreign.map((one) => one.variable)])
    add("process-environment", variable, "is not in the running process as it was delivered");
  return found;
}

async function runtimeDeviations({ manifest }: StoredGeneration): Promise<Deviation[]> {
  const gone = await Promise.all(
    [manifest.nodePath, manifest.cliPath].map(async (path) => ((await exists(path)) ? [] : [path])),
  );
  return gone.flat().map((path) => ({
    kind: "runtime",
    what: path,
    detail: `of ${manifest.runtimeId} is not there`,
    likely: "a hand",
    mending: "up",
  }));
}

async function unitDeviations(
  home: GatewayHome,
  unit: string,
  facts: UnitFacts | null,
  services: UnitFiles,
): Promise<Deviation[]> {
  if (facts === null)
    return [
      {
        kind: "unknown",
        what: unit,
        detail: "could not be asked for: the user's service manager gave no answer",
        likely: "unknown",
        mending: "repair",
      },
    ];
  const { active, sub, enabled, dropIns, needsReload } = facts.evidence;
  const one = (kind: DeviationKind, what: string, detail: string): Deviation => ({
    kind,
    what,
    detail,
    likely: "a hand",
    mending: "repair",
  });
  return [
    ...[...new Set([...dropIns, ...(await services.dropIns(home, unit))])].map((path): Deviation => ({
      ...one("drop-in", path, "changes what the unit says"),
      mending: path.startsWith(ownUser().home) ? "repair" : "by hand",
    })),
    ...(enabled ? [] : [one("not-enabled", unit, "does not start at boot")]),
    ...(active === "active" ? [] : [one("not-running", unit, `is ${active} (${sub})`)]),
    ...(needsReload ? [one("not-reloaded", unit, "was edited, and the service manager has not read it")] : []),
  ];
}

async function homeMode(home: string): Promise<Deviation[]> {
  const { mode } = await lstat(home);
  if ((mode & 0o077) === 0) return [];
  return [
    {
      kind: "mode",
      what: home,
      detail: `has mode ${(mode & 0o777).toString(8)}, not 700`,
      likely: "a hand",
      mending: "repair",
    },
  ];
}

function nothingLive(home: GatewayHome, live: string | null): Deviation {
  return {
    kind: live === null ? "generation" : "generation-damaged",
    what: home.current,
    detail: live === null ? "no generation is live" : `${live} is live and not complete on disk`,
    likely: "a hand",
    mending: "up",
  };
}

/** Everything by which one gateway differs from its live generation, and that from the declared one. Reads only. */
export async function inspect(
  { gateway, unit, agents, generation, metrics }: DeclaredGateway,
  context: Context,
): Promise<Omit<GatewayDrift, "gateway">> {
  const home = gatewayHome(ownUser().home);
  const live = await liveGeneration(home);
  const stored = live === null ? null : await readGeneration(home, live);
  if (stored === null) return { generation: live, deviations: [nothingLive(home, live)] };
  const { services } = context.platform;
  const gaps = new Gaps();
  const facts = await gaps.part("unit", () => services.inspect(unit));
  const sources = await sourcesOf(home, facts, context, gaps);
  const files = await filesEvidence(home, {
    unit,
    agents,
    uid: ownUser().uid,
    startedAt: null,
    manifest: stored.manifest,
    services,
  });
  const contents = new Set(
    declared(home, unit, agents, stored.manifest, services).flatMap(({ path, kind }) =>
      kind === "file" ? [path] : [],
    ),
  );
  const forms = formDeviations(files, contents);
  const content = await gaps.part("live files", () => contentDeviations(home, unit, stored, services));
  // a file of somebody else's cannot be read: it is looked at again once it is given back
  const explained = forms.some(({ kind }) => kind === "owner");
  const unread = explained ? [] : gaps.found.filter((part) => part !== "unit");
  return {
    generation: live,
    deviations: [
      ...(live === generation
        ? []
        : [
            {
              kind: "generation" as const,
              what: home.current,
              detail: `${live ?? "nothing"} is live, the stack has ${generation}`,
              likely: "an interrupted or another run" as const,
              mending: "up" as const,
            },
          ]),
      ...(await homeMode(ownUser().home)),
      ...forms,
      ...(content ?? []),
      ...(await runtimeDeviations(stored)),
      ...(await unitDeviations(home, unit, facts, services)),
      ...variableDeviations(home, stored, sources),
      ...(await metricsDeviations(home, metrics === undefined ? null : { gateway, unit, settings: metrics }, context)),
      ...unread.map((part): Deviation => ({
        kind: "unknown",
        what: part,
        detail: "could not be read",
        likely: "unknown",
        mending: "by hand",
      })),
    ],
  };
}

/** Whether a path is a link; false where nothing is. */
export async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
