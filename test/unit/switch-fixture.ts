import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "../../node/generation/manifest.ts";
import { setLiveGeneration, stageGeneration, type StoredGeneration } from "../../node/generation/store.ts";
import { PhaseFailure } from "../../node/lib/failure.ts";
import { gatewayHome, type GatewayHome } from "../../node/lib/gateway-home.ts";
import { nodePaths } from "../../node/lib/paths.ts";
import type { Context } from "../../node/phase.ts";
import { attestation } from "../../node/openclaw/candidate.ts";
import { linux } from "../../node/platform/linux/platform.ts";
import { linuxServices } from "../../node/platform/linux/services.ts";
import { linuxUnitFiles } from "../../node/platform/linux/unit-files.ts";
import type { Services, UnitState } from "../../node/platform/services.ts";
import { placeLiveFiles } from "../../node/switch/live-files.ts";
import { settleCommand } from "../../node/switch/switch.ts";
import { parseEnvironmentFile, renderEnvironmentFile } from "../../node/environment-file.ts";

export const UNIT = "openclaw-gateway.service";
export const VERSION = "2026.9.6";
export const TOKEN = "tok-canary-0123456789abcdef";
export const KEY = "sk-ant-api03-canary-0123456789abcdef";
export const TOKEN_VARIABLE = "OPENCLAW_GATEWAY_TOKEN";
export const VARIABLE = "OPENCLAW_RESEARCH_ANTHROPIC_API_KEY";

/** `g-` and 16 times the digit. */
export function nameOf(digit: string): string {
  return `g-${digit.repeat(16)}`;
}

/** How a generation's process behaves once it is started. */
export interface Behaviour {
  /** By default it becomes ready; `mute` never does, `ended` failed for good, `restarting` is about to be tried again. */
  readonly start?: "mute" | "ended" | "restarting";
  readonly version?: string;
}

const POLICY = '{"gateway":{}}\n';
const POLICY_HASH = createHash("sha256").update(POLICY).digest("hex");

/** A verdict without findings, with the fields that are read of it. */
export const ATTESTED = {
  ok: true,
  attestation: { policy: { hash: `sha256:${"b".repeat(64)}` }, attestationHash: `sha256:${"a".repeat(64)}` },
  checksRun: 68,
  findings: [],
};
/** The same, as it is passed on. */
export const ATTESTATION = {
  attestationHash: ATTESTED.attestation.attestationHash,
  policyHash: ATTESTED.attestation.policy.hash,
  checks: 68,
};

/** What the service manager says of each. */
const STATES = {
  none: ["inactive", "dead"],
  ready: ["active", "running"],
  mute: ["active", "running"],
  ended: ["failed", "failed"],
  restarting: ["activating", "auto-restart"],
} as const;

/** Stands in for `openclaw`: answers from files beside it and notes how it was called. */
const OPENCLAW = `directory=$(dirname "$0")
key="$1-$2"; [ "$1" != models ] || key="models-$6"
echo "$key config=\${OPENCLAW_CONFIG_PATH:-live} key=\${${VARIABLE}:-none}" >> "$directory/calls"
cat "$directory/$key.err" >&2; cat "$directory/$key.out"; exit "$(cat "$directory/$key.status")"
`;

/** A gateway's home in a temporary directory, with stand-ins for the service manager, the gateway and its commands. */
export class SwitchBench {
  readonly root: string;
  readonly home: GatewayHome;
  readonly progress: string[] = [];
  /** Every change asked of the service manager, in order. */
  readonly asked: string[] = [];
  readonly behaviours = new Map<string, Behaviour>();
  readonly log: string[] = [];
  /** What `/readyz` answers. */
  readyBody: unknown = { ready: true };
  running: string | null = null;
  /** Which tokens the gateway takes: by default the one that its process was started with. */
  accepts = (token: string): boolean => token === this.environment().get(TOKEN_VARIABLE);
  /** What the running process was started with: by default the live environment file. */
  environment = (): ReadonlyMap<string, string> =>
    parseEnvironmentFile(readFileSync(this.home.environmentFile, "utf8"));
  enabled = false;
  /** Timers that are set, by name, with their seconds. */
  readonly timers = new Map<string, number>();
  #pid = 100;
  #port = 0;
  readonly #server: Server;

  private constructor() {
    this.root = mkdtempSync(join(tmpdir(), "gatehouse-switch-"));
    this.home = gatewayHome(join(this.root, "home"));
    mkdirSync(join(this.root, "home"), { mode: 0o700 });
    for (const path of [this.home.gatehouse, this.home.generations]) mkdirSync(path, { mode: 0o700 });
    writeFileSync(this.#beside("openclaw"), OPENCLAW);
    this.answer("config-validate", { valid: true });
    this.answer("secrets-apply", {});
    this.answer("policy-check", ATTESTED);
    this.answer("gateway-status", { service: { loaded: true, configAudit: { ok: true } }, rpc: { ok: true } });
    this.answer("models-research", { auth: {} });
    this.#server = createServer((request, response) => {
      const { start, version = VERSION } = this.behaviours.get(this.running ?? "") ?? {};
      if (this.running === null || start !== undefined) {
        response.destroy();
        return;
      }
      if (request.url === "/tools/invoke") {
        const [, token = ""] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
        response.statusCode = this.accepts(token) ? 400 : 401;
      }
      response.end(JSON.stringify(request.url === "/readyz" ? this.readyBody : { ok: true, version }));
    });
  }

  static async start(): Promise<SwitchBench> {
    const bench = new SwitchBench();
    bench.#server.listen(0, "127.0.0.1");
    await once(bench.#server, "listening");
    bench.#port = (bench.#server.address() as AddressInfo).port;
    return bench;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(this.root, { recursive: true });
  }

  /** What the stand-in prints for `config-validate`, `models-AGENT`, … */
  answer(key: string, output: unknown, { status = 0, complaint = "" } = {}): void {
    writeFileSync(this.#beside(`${key}.out`), typeof output === "string" ? output : JSON.stringify(output));
    writeFileSync(this.#beside(`${key}.err`), complaint);
    writeFileSync(this.#beside(`${key}.status`), String(status));
  }

  /** How the stand-in was called so far. */
  calls(): string[] {
    const path = this.#beside("calls");
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }

  generation(name: string, changes: Partial<Manifest> = {}): StoredGeneration {
    return {
      manifest: {
        generation: name,
        gateway: "team-a",
        port: this.#port,
        unit: UNIT,
        runtimeId: "openclaw-2026.9.6-0123456789ab",
        nodePath: "/bin/sh",
        cliPath: this.#beside("openclaw"),
        openclawVersion: VERSION,
        readyTimeoutSeconds: 1,
        profile: "namespaced",
        tokenVariable: TOKEN_VARIABLE,
        tokenFingerprint: "0123456789abcdef",
        agents: [{ id: "research", credentials: [] }],
        policy: POLICY_HASH,
        ...changes,
      },
      files: {
        config: `${JSON.stringify({ gateway: { port: this.#port }, generation: name, meta: { by: "gatehouse" } })}\n`,
        environment: renderEnvironmentFile(new Map([[TOKEN_VARIABLE, TOKEN], [VARIABLE, KEY]])), // prettier-ignore
        unit: `# ${name}\n[Service]\n`,
        secretsPlan: "{}\n",
        policy: POLICY,
      },
    };
  }

  /** A context of its own; `controller` is the watchdog's. */
  context(controller = new AbortController()): Context {
    return {
      platform: {
        ...linux,
        services: this.#services(controller.signal),
        processEnvironment: () => Promise.resolve(this.environment()),
      },
      paths: nodePaths(this.root),
      progress: (message) => {
        this.progress.push(message);
      },
      signal: controller.signal,
      asUser: () => Promise.reject(new Error("nothing runs as another user here")),
      programFile: "/opt/gatehouse/program/x/gatehouse-node.mjs",
    };
  }

  /** Stages a generation and makes it what runs, as a confirmed switch leaves it. */
  async serve(name: string): Promise<StoredGeneration> {
    const stored = this.generation(name);
    const context = this.context();
    await stageGeneration(this.home, stored);
    await placeLiveFiles(this.home, stored, settleCommand(context), linuxUnitFiles);
    await setLiveGeneration(this.home, name);
    await attestation(this.home, stored);
    rmSync(this.#beside("calls"));
    this.enabled = true;
    this.running = name;
    this.asked.length = 0;
    return stored;
  }

  /** Called with every request to the service manager before it is carried out; may throw. */
  interfere: (request: string) => void = () => undefined;

  #beside(name: string): string {
    const directory = join(this.root, "openclaw");
    mkdirSync(directory, { recursive: true });
    return join(directory, name);
  }

  #services(signal: AbortSignal): Services {
    const ask = async (request: string): Promise<void> => {
      // what the watchdog ended does nothing more
      signal.throwIfAborted();
      this.interfere(request);
      signal.throwIfAborted();
      this.asked.push(request);
    };
    return {
      ...linuxServices,
      state: async (): Promise<UnitState> => {
        const start = this.running === null ? "none" : this.behaviours.get(this.running)?.start;
        const [active, sub] = STATES[start ?? "ready"];
        return { active, sub, enabled: this.enabled, mainPid: active === "active" ? this.#pid : 0, restarts: 0 };
      },
      reload: () => ask("reload"),
      enable: async (unit) => {
        await ask(`enable ${unit}`);
        this.enabled = true;
      },
      restart: async (unit) => {
        await ask(`restart ${unit}`);
        this.running = readFileSync(join(this.home.userUnits, unit), "utf8").slice(2, 20);
        this.#pid += 1;
      },
      disable: async (unit) => {
        await ask(`disable ${unit}`);
        this.enabled = false;
        this.running = null;
      },
      profile: () => Promise.resolve("namespaced" as const),
      schedule: async (name, seconds, argv) => {
        await ask(`schedule ${name} ${argv.join(" ")}`);
        this.timers.set(name, seconds);
      },
      cancel: async (name) => {
        await ask(`cancel ${name}`);
        this.timers.delete(name);
      },
      repeat: ({ name }) => ask(`repeat ${name}`),
      repeatDifferences: () => Promise.resolve([]),
      stopRepeating: (name) => ask(`stop repeating ${name}`),
      readLog: () => Promise.resolve(null),
      recentLog: () => Promise.resolve(this.log),
    };
  }
}

/** The failure that the work ends with. */
export async function failureOf(work: Promise<unknown>): Promise<PhaseFailure> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PhaseFailure) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** A file of the damaged kind: there, but not what was written. */
export function damage(path: string): void {
  chmodSync(path, 0o600);
  writeFileSync(path, "{");
}
