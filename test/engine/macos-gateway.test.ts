import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleNodeProgram } from "../../node/bundle.ts";
import type { GatewayPayload, PhaseTypes, RuntimePayload } from "../../node/protocol.ts";
import { RESULT_MARK } from "../../node/protocol.ts";
import type { PhaseResult } from "../../node/protocol.ts";
import { fingerprint, renderGeneration, slots } from "../../render/index.ts";
import { renderBootstrap } from "../../render/bootstrap.ts";
import { gzipBase64, shippedOpenclawLock } from "../../render/openclaw-lock.ts";
import { bootstrapCommand, programCommand, visitCommand } from "../../render/program-command.ts";
import { nodePath, PINNED_NODE, programId, runtimeId, type PinnedNode } from "../../render/runtime-table.ts";
import { packNodeArchive, serveArchive, startMacosStandIn, type RegistryMirror } from "../../sandbox/macos/index.ts";
import { destroyNode, type TestNode } from "../../sandbox/node/index.ts";
import { credentialVariable, parseFleet } from "../../spec/index.ts";
import { DEFAULT_OPENCLAW_VERSION } from "../../spec/runtime.ts";
import { validFleet } from "../fleet-input.ts";
import { itsMetrics, METRICS_LEFTOVERS } from "./macos-metrics.ts";
import { nodesCanRun, operatorDownloads, START_MS } from "./node-fixture.ts";

const MINUTES = 60_000;
const GATEWAY = "team-a";
const USER = "oc-team-a";
const HOME = `/Users/${USER}`;
const LABEL = `org.gatehouse.gateway.${GATEWAY}`;
const PORT = 18_789;
const KEY = new Uint8Array(32).fill(7);
const lock = shippedOpenclawLock();

function canary(label: string): string {
  return `sk-ant-api03-${label}-${randomBytes(24).toString("hex")}`;
}

/** What is shown here holds for the stand-in: launchd, accounts and power settings of its own making. */
describe.skipIf(!(await nodesCanRun()))("a gateway on the stand-in for a Mac", () => {
  let directory: string;
  let node: TestNode;
  let mirror: RegistryMirror;
  let pinned: PinnedNode;
  let runtime: RuntimePayload;
  let powerBefore: string;
  const program = bundleNodeProgram();
  const values = { token: canary("token"), key: canary("key") };

  const machine = {};
  const account = { machine, gateway: GATEWAY, user: USER, home: HOME };
  const credential = () => ({
    provider: "anthropic",
    variable: credentialVariable("research", "anthropic"),
    value: values.key,
    fingerprint: fingerprint(KEY, slots.credential(GATEWAY, "research", "anthropic"), values.key),
  });

  function gateway(): GatewayPayload {
    const fleet = validFleet();
    const [first] = fleet.nodes;
    const [given] = first?.gateways ?? [];
    if (first === undefined || given === undefined) throw new Error("the valid fleet has no gateway");
    const own = {
      ...given,
      user: USER,
      port: PORT,
      keepGenerations: 2,
      agents: [{ id: "research", model: "anthropic/claude-opus-4-8", credentials: [{ provider: "anthropic", secret: "pulumi://research" }] }], // prettier-ignore
      providers: [{ id: "anthropic", baseUrl: "http://127.0.0.1:9" }],
    };
    const [spec] = parseFleet({ ...fleet, nodes: [{ ...first, platform: "macos", gateways: [own] }] }).nodes;
    if (spec?.gateways[0] === undefined) throw new Error("no gateway");
    // this gateway has neither: it answers without HTTPS, and its one key comes from the environment file
    const { launch, https, ...desired } = renderGeneration({
      node: spec,
      gateway: spec.gateways[0],
      runtime: { id: runtime.runtime.id, nodePath: runtime.runtime.nodePath },
      tokenFingerprint: fingerprint(KEY, slots.gatewayToken(GATEWAY), values.token),
      credentialFingerprint: () => credential().fingerprint,
    });
    if (launch !== undefined || https !== undefined) throw new Error("launcher and HTTPS take values of their own");
    return { ...desired, machine, token: { ...desired.token, value: values.token }, readyTimeoutSeconds: 240, purge: true }; // prettier-ignore
  }

  async function call<T>(
    command: string,
    stdin: unknown,
  ): Promise<{ code: number; result: PhaseResult<T>; stderr: string }> {
    const done = await node.exec(command, { user: "ops", stdin: typeof stdin === "string" ? stdin : JSON.stringify(stdin) }); // prettier-ignore
    const line = done.stdout.trimEnd().split("\n").at(-1) ?? "";
    if (!line.startsWith(RESULT_MARK)) throw new Error(`exit ${done.code}: ${done.stdout}${done.stderr}`);
    return {
      code: done.code,
      result: JSON.parse(line.slice(RESULT_MARK.length)) as PhaseResult<T>,
      stderr: done.stderr,
    };
  }
  function valueIn<T>({ code, result, stderr }: { code: number; result: PhaseResult<T>; stderr: string }): T {
    if (result.ok) return result.value;
    throw new Error(`exit ${code}: ${stderr}`);
  }
  const id = (): string => programId({ node: pinned, programHash: program.hash });
  const apply = async <N extends keyof PhaseTypes>(phase: N, payload: PhaseTypes[N]["payload"]) =>
    valueIn(await call<PhaseTypes[N]["result"]>(programCommand(id(), phase, "apply", "provisioned"), payload));
  const remove = async <N extends keyof PhaseTypes>(phase: N, payload: PhaseTypes[N]["payload"]) =>
    valueIn(await call<unknown>(programCommand(id(), phase, "remove", "provisioned"), payload));
  const root = async (command: string, stdin?: string): Promise<string> => {
    const done = await node.exec(command, stdin === undefined ? {} : { stdin });
    expect(done.stderr + String(done.code), command).toBe("0");
    return done.stdout.trimEnd();
  };
  const stage = () => apply("agent", { ...account, agent: "research", workspace: `${HOME}/workspaces/research`, mountPoints: [], credentials: [credential()] }); // prettier-ignore
  const verify = async () => {
    const { generation, unit } = gateway();
    return await apply("verify", { ...account, port: PORT, unit, generation, openclawVersion: DEFAULT_OPENCLAW_VERSION, keepDevices: [] }); // prettier-ignore
  };
  const drift = async () => {
    const { generation, unit, metrics } = gateway();
    const machineId = await root("ioreg -rd1 -c IOPlatformExpertDevice | awk -F'\"' '/IOPlatformUUID/ { print $4 }'");
    const payload = { machineId, alwaysOn: true, gateways: [{ gateway: GATEWAY, user: USER, home: HOME, unit, generation, agents: ["research"], ...(metrics && { metrics }) }] }; // prettier-ignore
    return { payload, found: valueIn(await call<{ deviations: { kind: string; detail: string }[]; gateways: { deviations: { kind: string; what: string; detail: string }[] }[] }>(visitCommand(id(), "drift"), payload)) }; // prettier-ignore
  };
  const settings = (): Promise<string> => root("pmset -g custom | sort");
  const job = (): Promise<string> => root(`launchctl print system/${LABEL}`);

  beforeAll(
    async () => {
      directory = await mkdtemp(join(tmpdir(), "gatehouse-mac-"));
      node = await startMacosStandIn({ name: "test-mac-gateway", stateDir: join(directory, "node"), progress: (line) => void process.stderr.write(`${line}\n`) }); // prettier-ignore
      const archive = await packNodeArchive(directory);
      const downloads = await operatorDownloads();
      mirror = await serveArchive(archive, downloads.registry);
      pinned = { version: PINNED_NODE.version, archives: { "darwin-x64": archive } };
      const own = { ...downloads, registry: mirror.url };
      runtime = {
        machine,
        downloads: own,
        runtime: {
          id: runtimeId({ node: pinned, openclawVersion: DEFAULT_OPENCLAW_VERSION, ...lock }),
          openclawVersion: DEFAULT_OPENCLAW_VERSION,
          nodePath: nodePath(pinned),
          packageJson: lock.packageJson,
          lockfileGzip: gzipBase64(lock.packageLock),
        },
        alwaysOn: true,
      };
      powerBefore = await settings();
      const script = renderBootstrap({ machine, downloads: own, node: pinned, program });
      valueIn(await call(bootstrapCommand("first contact"), script));
    },
    START_MS + 30 * MINUTES,
  );
  afterAll(async () => {
    await mirror.close();
    await destroyNode(join(directory, "node"));
    await rm(directory, { recursive: true, force: true });
  });

  it("gets its runtime and stays awake", { timeout: 30 * MINUTES }, async () => {
    expect(await apply("runtime", runtime)).toMatchObject({ action: "installed" });
    expect(await apply("runtime", runtime)).toMatchObject({ action: "present" });
    expect(await root("pmset -g custom")).toMatch(/^ sleep\s+0$/m);
  });

  it("gets a hidden user without a way in", { timeout: 30 * MINUTES }, async () => {
    const made = await apply("account", { ...account, sharedDirectories: [], purge: true });
    expect(made.uid).toBeGreaterThanOrEqual(450);
    expect(made.uid).toBeLessThanOrEqual(499);
    expect(await root(`dscl . -read /Users/${USER} IsHidden UserShell Password`)).toBe("IsHidden: 1\nUserShell: /usr/bin/false\nPassword: *"); // prettier-ignore
    expect(await root(`stat -f '%Lp %Su %Sg' ${HOME}`)).toBe(`700 ${USER} ${USER}`);
    expect(await apply("account", { ...account, sharedDirectories: [], purge: true })).toEqual(made);
  });

  it(
    "is started by launchd as that user, with its secrets in no place that others read",
    { timeout: 30 * MINUTES },
    async () => {
      await stage();
      const done = await apply("gateway", gateway());
      expect(done.action).toBe("switched");
      expect(done.hardening.profile).toBe("launchd");
      expect(await verify()).toMatchObject({ health: "ready", unitState: "active (running)" });
      const printed = await job();
      expect(printed).toMatch(/^\tstate = running$/m);
      expect(printed).toMatch(new RegExp(`^\\tusername = ${USER}$`, "m"));
      const plist = await root(`cat /Library/LaunchDaemons/${LABEL}.plist`);
      for (const secret of Object.values(values)) {
        expect(printed).not.toContain(secret);
        expect(plist).not.toContain(secret);
      }
      expect(await root(`stat -f '%Lp %Su' /Library/LaunchDaemons/${LABEL}.plist ${HOME}/.openclaw/service-env/org.gatehouse.gateway.env`)).toBe(`644 root\n600 ${USER}`); // prettier-ignore
      // the timer of the switch is gone with its confirmation
      expect(await root(`launchctl list | grep dead-man || true`)).toBe("");
    },
  );

  it("is left alone by a second run", { timeout: 30 * MINUTES }, async () => {
    const before = await job();
    expect((await apply("gateway", gateway())).action).toBe("unchanged");
    expect(await job()).toBe(before);
    expect((await drift()).found).toMatchObject({ deviations: [], gateways: [{ deviations: [] }] });
  });

  it("takes a new token, and the one before is refused", { timeout: 30 * MINUTES }, async () => {
    values.token = canary("rotated");
    const done = await apply("gateway", gateway());
    expect(done).toMatchObject({ action: "switched", proof: { oldTokenRefused: true } });
    await verify();
  });

  itsMetrics({
    gateway: GATEWAY,
    user: USER,
    home: HOME,
    output: root,
    ready: async () => {
      await root(`for _ in $(perl -e 'print "1 " x 600'); do curl -sf -m 5 http://127.0.0.1:${PORT}/readyz >/dev/null 2>&1 && exit 0; sleep 0.2; done; exit 1`); // prettier-ignore
    },
    drifted: async () =>
      (await drift()).found.gateways.flatMap(({ deviations }) =>
        deviations.filter(({ kind }) => kind === "metrics").map(({ detail }) => detail),
      ),
    repair: async () => {
      valueIn(await call(visitCommand(id(), "repair"), (await drift()).payload));
    },
    reboot: () => node.reboot(),
  });

  it("that somebody edited is seen and mended", { timeout: 30 * MINUTES }, async () => {
    await root(`pmset -a sleep 10; sed -i '' 's/18789/18790/' /Library/LaunchDaemons/${LABEL}.plist; chmod 644 ${HOME}/.openclaw/service-env/org.gatehouse.gateway.env`); // prettier-ignore
    const { payload, found } = await drift();
    expect(found.deviations.map(({ kind }) => kind)).toEqual(["sleep"]);
    expect(found.gateways[0]?.deviations.map(({ kind }) => kind).sort()).toEqual(["mode", "not-reloaded", "unit-file"]);
    valueIn(await call(visitCommand(id(), "repair"), payload));
    expect((await drift()).found).toMatchObject({ deviations: [], gateways: [{ deviations: [] }] });
  });

  it("goes, and the machine is as it was", { timeout: 30 * MINUTES }, async () => {
    await remove("gateway", gateway());
    await remove("account", { ...account, sharedDirectories: [], purge: true });
    await remove("runtime", runtime);
    expect(await settings()).toBe(powerBefore);
    expect(await root(`ls /Library/LaunchDaemons /etc/newsyslog.d | grep gatehouse || true; launchctl list | grep gatehouse || true; dscl . -list /Users | grep ${USER} || true; ls -d ${HOME} 2>/dev/null || true`)).toBe(""); // prettier-ignore
    expect(await root(METRICS_LEFTOVERS)).toBe("");
  });
});
