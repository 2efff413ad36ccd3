import { lstat, readFile } from "node:fs/promises";
import { identityEvidence } from "../diagnose/identities.ts";
import { scrubber } from "../diagnose/scrub.ts";
import { sessionEvidence } from "../diagnose/session.ts";
import { Gaps, sourcesOf } from "../diagnose/sources.ts";
import { secretValues } from "../diagnose/variables.ts";
import { liveGeneration, readGeneration } from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { errnoOf } from "../lib/failure.ts";
import { gatewayHome } from "../lib/gateway-home.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import { member } from "../lib/member.ts";
import { OpenclawCli, oneLine } from "../openclaw/cli.ts";
import type { Context } from "../phase.ts";
import type { UnitFiles } from "../platform/services.ts";
import { knownTexts, withoutForeignTexts, withoutForeignValues } from "./foreign.ts";
import type { AuditGateway, ObservedAsUser, VendorAudit } from "./observed.ts";

async function unitText(
  home: GatewayHome,
  unit: string,
  stored: StoredGeneration,
  services: UnitFiles,
): Promise<string | null> {
  const own = await readTextOrNull(services.unitFile(home, unit).path);
  if (own === null) return null;
  const dropIns = [...(await services.dropIns(home, unit))].sort();
  const texts = await Promise.all(dropIns.map((path) => readFile(path, "utf8")));
  return withoutForeignValues([own, ...texts].join("\n"), stored.files.unit);
}

async function openclawConfig(home: GatewayHome, stored: StoredGeneration): Promise<ObservedAsUser["openclaw"]> {
  const text = await readTextOrNull(home.config);
  if (text === null) return null;
  const parsed = withoutForeignTexts(JSON.parse(text), knownTexts(JSON.parse(stored.files.config)));
  return typeof parsed === "object" && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : null;
}

async function observedPaths(paths: readonly string[]): Promise<ObservedAsUser["paths"]> {
  const { uid, name } = ownUser();
  const found = await Promise.all(
    paths.map(async (path) => {
      try {
        const stat = await lstat(path);
        const mode = (stat.mode & 0o7777).toString(8).padStart(4, "0");
        return [{ path, mode, owner: stat.uid === uid ? name : `uid ${stat.uid}` }];
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return [];
        throw error;
      }
    }),
  );
  return found.flat();
}

function list(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? value : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The vendor's own audits; `security audit` ends with 0 whatever it finds (facts: openclaw.md 0.6). */
async function vendorAudits(
  stored: StoredGeneration,
  agents: readonly string[],
  scrub: (line: string) => string,
): Promise<VendorAudit[]> {
  const cli = await OpenclawCli.of(stored);
  const audit = async (
    args: readonly string[],
    read: (json: unknown) => readonly unknown[] | null,
    line: (finding: unknown) => string,
  ): Promise<VendorAudit> => {
    const { json } = await cli.run(args);
    const findings = read(json)?.map((finding) => scrub(oneLine(line(finding)))) ?? null;
    return {
      command: `openclaw ${args
        .filter((word) => !word.startsWith("--"))
        .slice(0, 2)
        .join(" ")}`,
      findings,
    };
  };
  const titled = (finding: unknown): string =>
    `${text(member(finding, "checkId"))}: ${text(member(finding, "message")) || text(member(finding, "title"))}`;
  const secrets = await audit(
    ["secrets", "audit", "--check", "--json"],
    (json) => list(member(json, "findings")),
    (finding) =>
      `${text(member(finding, "code"))} ${text(member(finding, "file"))} ${text(member(finding, "jsonPath"))}`,
  );
  const security = await audit(
    ["security", "audit", "--json"],
    (json) => list(member(json, "findings"))?.filter((finding) => member(finding, "severity") === "critical") ?? null,
    titled,
  );
  if (stored.files.policy === undefined) return [secrets, security];
  const policy = await audit(
    ["policy", "check", "--json", "--agent", agents[0] ?? ""],
    (json) => (member(json, "ok") === undefined ? null : list(member(json, "findings"))),
    titled,
  );
  return [secrets, security, policy];
}

/** Runs as the gateway's user. Reads only. */
export async function observe(subject: AuditGateway, context: Context): Promise<ObservedAsUser> {
  const home = gatewayHome(ownUser().home);
  const live = await liveGeneration(home);
  const stored = live === null ? null : await readGeneration(home, live);
  if (stored === null) throw new Error("no complete generation is live");
  const gaps = new Gaps();
  const facts = await gaps.part("unit", () => context.platform.services.inspect(subject.unit));
  const mainPid = facts?.evidence.mainPid ?? 0;
  const sources = await sourcesOf(home, facts, context, gaps);
  const scrub = scrubber(secretValues(stored, sources));
  const unitPath = facts?.environment.get("PATH");
  const [identities, session] = await Promise.all([
    gaps.part("identities", () => identityEvidence({ manifest: stored.manifest, unitPath, mainPid }, context.platform)),
    sessionEvidence({ port: subject.port, certificate: stored.files.certificate }, undefined),
  ]);
  context.progress(`asking OpenClaw's own audits about ${subject.gateway}`);
  return {
    unitText: await gaps.part("unit text", () => unitText(home, subject.unit, stored, context.platform.services)),
    enabled: facts?.evidence.enabled ?? null,
    mainPid,
    profile: stored.manifest.profile,
    openclaw: await gaps.part("configuration", () => openclawConfig(home, stored)),
    paths: await observedPaths(subject.paths),
    nodeVersion: identities?.find(({ who }) => who === "serving")?.version ?? null,
    openclawVersion: session.version,
    others: identities?.flatMap(({ who, path, pinned }) => (who === "unit" && !pinned ? [path] : [])) ?? null,
    vendor: (await gaps.part("audits", () => vendorAudits(stored, subject.agents, scrub))) ?? [
      { command: "openclaw secrets audit", findings: null },
    ],
  };
}
