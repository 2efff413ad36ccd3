import type { NodeEvidence, UserEvidence, VariableEvidence } from "../../node/diagnose/evidence.ts";
import type { Evidence } from "../../operations/diagnose/evidence.ts";

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;

/** A node that answered, for tests that change single values of it. */
export type HealthyNode = Mutable<NodeEvidence> & { gateway: Mutable<UserEvidence> };
export type Healthy = Omit<Mutable<Evidence>, "node" | "here"> & {
  node: HealthyNode;
  here: NonNullable<Mutable<Evidence>["here"]>;
};

const HOME = "/home/oc-demo";
const STARTED = "2026-11-23T16:14:16.000Z";

function variable(name: string, agent: string | null): Mutable<VariableEvidence> {
  return {
    variable: name,
    carrier: "environment file",
    track: agent === null ? "gateway" : "provider",
    agent,
    provider: agent === null ? null : "anthropic",
    fingerprint: `h1.3UsF.${name}`,
    masked: "sk-a…lYXT",
    valueOf: null,
    overriddenBy: null,
    sources: {
      ...{ environmentFile: "same", otherFile: "missing", unit: "missing", manager: "missing", dotenv: "missing" },
      process: "same",
    },
  };
}

/** What a real node with two agents gave, shortened. */
export function healthy(): Healthy {
  const variables = [
    variable("OPENCLAW_GATEWAY_TOKEN", null),
    variable("OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY", "research"),
    variable("OPENCLAW_AGENT_BUILDER_ANTHROPIC_KEY", "builder"),
  ];
  return {
    frozen: {
      time: "2026-11-23T17:19:36+01:00",
      symptom: null,
      symptomClass: "none",
      stack: "demo",
      node: "box-1",
      gateway: "demo",
      agent: null,
      operator: "op@here",
    },
    expected: {
      platform: "linux",
      generation: "g-8018f3c7ef7b7fe3",
      agents: ["research", "builder"],
      fingerprints: Object.fromEntries(variables.map((one) => [one.variable, one.fingerprint])),
    },
    clockAhead: 1,
    here: { tunnel: "open", healthz: "ok", readyz: "ok", certificateRefusal: null, upgrade: "ok" },
    client: null,
    route: null,
    node: {
      time: "2026-11-23T16:19:36.382Z",
      seconds: 12.5,
      platform: "linux",
      machineId: "b9b6f2d15a7eff678be8661bfe6a5924",
      expectedMachineId: "b9b6f2d15a7eff678be8661bfe6a5924",
      uid: 1002,
      lingers: true,
      freeBytes: 60_330_598_400,
      freeInodes: 3_900_000,
      clockSynchronized: true,
      boot: { networkTime: true, updatesRestart: false },
      listener: "own",
      gateway: {
        unit: {
          active: "active",
          sub: "running",
          enabled: true,
          mainPid: 427,
          restarts: 0,
          startedAt: STARTED,
          dropIns: [],
          needsReload: false,
        },
        unreadDropIns: [],
        generation: { live: "g-8018f3c7ef7b7fe3", complete: true, edits: [], unconfirmedSwitch: false },
        files: [
          {
            path: `${HOME}/.openclaw/openclaw.json`,
            problems: [],
            modified: "2026-11-23T16:14:16.458Z",
            newerThanProcess: false,
          },
          {
            path: `${HOME}/.openclaw/gateway.systemd.env`,
            problems: [],
            modified: "2026-11-23T16:14:16.462Z",
            newerThanProcess: false,
          },
        ],
        configToken: { kind: "reference", to: "env:OPENCLAW_GATEWAY_TOKEN" },
        variables,
        ambient: [],
        session: { healthz: "live", readyz: "ready", version: "2026.9.6", token: "accepted" },
        gatewayStatus: {
          status: 0,
          seconds: 5,
          rpcOk: true,
          failure: "",
          error: "",
          seesService: true,
          loaded: true,
          auditIssues: [],
          portStatus: "busy",
          extraServices: 0,
        },
        config: { by: "openclaw config validate", status: 0, seconds: 3, valid: true, issues: [] },
        models: ["research", "builder"].map((agent) => ({
          agent,
          status: 0,
          seconds: 3,
          missing: [],
          issues: [],
          kinds: [],
          unusable: [],
          profiles: [`anthropic:${agent}=ref(env:OPENCLAW_AGENT_${agent.toUpperCase()}_ANTHROPIC_KEY)`],
        })),
        lint: { status: 0, seconds: 4.6, findings: [] },
        identities: [
          { who: "unit", program: "node", path: "/opt/gatehouse/node/v24/bin/node", version: "24.21.0", pinned: true },
          {
            who: "serving",
            program: "node",
            path: "/opt/gatehouse/node/v24/bin/node",
            version: "24.21.0",
            pinned: true,
          },
        ],
        log: { gatewayFailures: {}, providerFailures: {}, refusals: [], unreachable: [], refusedPaths: [], lines: [] },
        gaps: [],
      },
    },
  };
}
