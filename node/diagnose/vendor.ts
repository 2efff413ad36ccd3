import { dirname, join } from "node:path";
import type { StoredGeneration } from "../generation/store.ts";
import { userEnvironment } from "../lib/as-user.ts";
import { exec } from "../lib/exec.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { member } from "../lib/member.ts";
import { oneLine } from "../openclaw/cli.ts";
import type { Platform } from "../platform/index.ts";
import type {
  AgentModelsEvidence,
  ConfigEvidence,
  GatewayStatusEvidence,
  LintEvidence,
  VendorEnd,
} from "./evidence.ts";

/** Seconds that one vendor command may take; 2 to 5 are usual (facts: openclaw.md 3), ten times that on a busy machine. */
const COMMAND_SECONDS = 50;

interface Ended {
  readonly end: VendorEnd;
  readonly json: unknown;
}

/**
 * The vendor's command line as the diagnosis uses it. Only commands that file no pairing request and rewrite nothing
 * (facts: remote-access.md 1): never `status`, `agent`, `tui`, `gateway probe`, `doctor --fix`.
 */
export class VendorLook {
  readonly #generation: StoredGeneration;
  readonly #variables: ReadonlyMap<string, string>;
  readonly #scrub: (text: string) => string;

  /** @param variables SECRET: what the running process has, so that the commands see what it sees. */
  constructor(generation: StoredGeneration, variables: ReadonlyMap<string, string>, scrub: (text: string) => string) {
    this.#generation = generation;
    this.#variables = variables;
    this.#scrub = scrub;
  }

  async gatewayStatus({ vendorSeesService }: Pick<Platform, "vendorSeesService">): Promise<GatewayStatusEvidence> {
    const { end, json } = await this.#run(["gateway", "status", "--json", "--require-rpc"]);
    const ok = member(json, "rpc", "ok");
    const failure = member(json, "rpc", "connectFailure");
    const kind = member(failure, "detailCode") ?? member(failure, "kind");
    const issues = member(json, "service", "configAudit", "issues");
    const extra = member(json, "extraServices");
    return {
      ...end,
      rpcOk: typeof ok === "boolean" ? ok : null,
      failure: ok === true ? "" : this.#word(kind),
      error: ok === true ? "" : this.#line(member(json, "rpc", "error")),
      seesService: vendorSeesService,
      loaded: bool(member(json, "service", "loaded")),
      auditIssues: Array.isArray(issues) ? issues.map((issue) => this.#word(member(issue, "code"))) : null,
      portStatus: json === undefined ? null : this.#word(member(json, "port", "status")),
      extraServices: Array.isArray(extra) ? extra.length : null,
    };
  }

  async config(): Promise<ConfigEvidence> {
    const { end, json } = await this.#run(["config", "validate", "--json"]);
    const issues = member(json, "issues");
    return {
      ...end,
      by: "openclaw config validate",
      valid: bool(member(json, "valid")),
      issues: Array.isArray(issues)
        ? issues.map((issue) => this.#line(`${text(member(issue, "path"))}: ${text(member(issue, "message"))}`))
        : [],
    };
  }

  async models(agent: string): Promise<AgentModelsEvidence> {
    const { end, json } = await this.#run(["models", "status", "--json", "--check", "--agent", agent]);
    const list = (name: string): readonly unknown[] => {
      const found = member(json, "auth", name);
      return Array.isArray(found) ? found : [];
    };
    return {
      ...end,
      agent,
      missing: list("missingProvidersInUse").map((provider) => this.#word(provider)),
      issues: list("modelRouteIssues").map((issue) =>
        this.#line(text(member(issue, "message")) || text(member(issue, "kind"))),
      ),
      kinds: list("modelRouteIssues").map((issue) => this.#word(member(issue, "kind"))),
      unusable: list("unusableProfiles").map((profile) => {
        const until = member(profile, "until");
        return {
          profile: this.#line(member(profile, "profileId")),
          kind: this.#word(member(profile, "kind")),
          reason: this.#word(member(profile, "reason")),
          until: typeof until === "number" && until < 8.64e15 ? new Date(until).toISOString() : null,
        };
      }),
      profiles: list("providers")
        .flatMap((provider) => {
          const labels = member(provider, "profiles", "labels");
          return Array.isArray(labels) ? (labels as unknown[]) : [];
        })
        .map((label) => this.#line(label)),
    };
  }

  async lint(): Promise<LintEvidence> {
    const { end, json } = await this.#run(["doctor", "--lint", "--json", "--only", "core/doctor/gateway-health"]);
    const findings = member(json, "findings");
    return {
      ...end,
      findings: Array.isArray(findings)
        ? findings.map((one) =>
            this.#line(
              `${text(member(one, "severity"))} ${text(member(one, "checkId"))}: ${text(member(one, "message"))}`,
            ),
          )
        : [],
    };
  }

  #line(value: unknown): string {
    return oneLine(this.#scrub(text(value)));
  }

  /** A code of the vendor's; anything that does not look like one is not passed on. */
  #word(value: unknown): string {
    return typeof value === "string" && /^[\w.-]{1,60}$/.test(value) ? this.#scrub(value) : "unknown";
  }

  async #run(args: readonly string[]): Promise<Ended> {
    const { nodePath, cliPath } = this.#generation.manifest;
    const user = ownUser();
    const result = await exec([nodePath, cliPath, ...args], {
      env: {
        ...userEnvironment(user),
        ...Object.fromEntries(this.#variables),
        PATH: `${dirname(nodePath)}:/usr/local/bin:/usr/bin:/bin`,
        TMPDIR: join(user.home, ".openclaw/tmp"),
        // the gateway's cache would be written; without it a command costs 0.4 s more (measured)
        NODE_DISABLE_COMPILE_CACHE: "1",
        OPENCLAW_NO_AUTO_UPDATE: "1",
        OPENCLAW_CONFIG_READONLY: "1",
        OPENCLAW_SUPERVISOR_MODE: "external",
        OPENCLAW_SERVICE_REPAIR_POLICY: "external",
      },
      cwd: "/",
      timeoutSeconds: COMMAND_SECONDS,
      keepBytes: 4 * 1024 * 1024,
    });
    const end = { status: result.timedOut ? null : result.status, seconds: Math.round(result.seconds * 10) / 10 };
    try {
      return { end, json: JSON.parse(result.stdout) as unknown };
    } catch {
      return { end, json: undefined };
    }
  }
}

function bool(value: unknown): boolean | null {
  return typeof value === "boolean" ? value : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
