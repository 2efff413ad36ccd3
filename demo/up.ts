import { writeFileAtomically } from "../sandbox/engine/cache.ts";
import { serveRuntime, type StandInRuntime } from "../sandbox/macos/index.ts";
import { extraAuthorities, type SshAccess } from "../sandbox/node/index.ts";
import { freePort } from "../sandbox/node/port.ts";
import { launchProvider } from "../sandbox/provider/index.ts";
import { readyEngine, type PluginChoice } from "../operations/engine.ts";
import { OperationError } from "../operations/error.ts";
import { doneText } from "../operations/report.ts";
import { openStack } from "../operations/stack.ts";
import { ensurePrivateDirectory } from "../operations/state-directory.ts";
import type { Platform } from "../spec/index.ts";
import { demoFleet } from "./fleet.ts";
import { ensureKeys, secretName } from "./keys.ts";
import { liveGateways, waitUntilReady } from "./live.ts";
import { startMachine } from "./machine.ts";
import { ownAccess, type HostFlags } from "./own-host.ts";
import { Progress } from "./progress.ts";
import { readRecord, writeRecord, type DemoRecord } from "./record.ts";
import { DEMO, type DemoPaths } from "./settings.ts";
import { agentTable, closingText, gatewayTable } from "./table.ts";
import { openTunnel } from "./tunnel.ts";
import { runTurns } from "./turns.ts";

export interface UpFlags extends Partial<HostFlags> {
  readonly plugins: PluginChoice;
  /** Default: what the demo already runs on, else Linux. */
  readonly platform?: Platform;
}

const THROW_AWAY: Readonly<Record<Platform, string>> = {
  linux: "a throw-away Debian node with systemd and sshd",
  macos: "a throw-away stand-in for a Mac: no Mac, but laid out as one (sandbox/macos/README.md)",
};

/**
 * The whole demo. May be run again at any point: what is there is kept.
 * @returns whether every gateway is ready and every agent answered with its own key.
 */
export async function demoUp(flags: UpFlags, paths: DemoPaths, signal: AbortSignal): Promise<boolean> {
  const progress = new Progress(5);
  const { note } = progress;
  await ensurePrivateDirectory(paths.root);
  const record = await chooseOnce(flags, paths);

  progress.step("the Pulumi engine and its plugins");
  const engine = await readyEngine(flags.plugins, note);

  progress.step(record.own === undefined ? THROW_AWAY[record.platform] : "your machine");
  const machine = await startMachine(record, paths, note);
  await writeFileAtomically(paths.knownHosts, knownHostLine(machine.ssh));
  note(`ssh ${machine.ssh.user}@${machine.ssh.host} port ${machine.ssh.port}`);

  progress.step("a stand-in model provider that records which key came");
  const keys = await ensureKeys(paths.keys);
  const providerPort = await launchProvider({
    keysFile: paths.keys,
    pidFile: paths.providerPid,
    logFile: paths.providerLog,
    port: record.providerPort,
  });
  note(`http://127.0.0.1:${providerPort}`);

  progress.step("pulumi up: the gateway and its two agents");
  const standIn = record.registryPort === undefined ? undefined : await standInRuntime(paths, record.registryPort);
  const stack = await openStack({
    stack: DEMO.stack,
    stateDir: paths.stack,
    engine,
    fleet: demoFleet({
      ssh: machine.ssh,
      platform: machine.platform,
      standIn,
      gatewayPort: record.gatewayPort,
      providerUrl: `http://127.0.0.1:${record.own?.providerPort ?? providerPort}`,
      extraCaCertificates: await authorities(paths),
    }),
    secrets: Object.fromEntries(Object.entries(keys).map(([agent, key]) => [secretName(agent), key])),
    progress: note,
    signal,
  });
  const report = await stack.up().finally(() => standIn?.close());
  note(doneText(report));
  const node = report.outputs.nodes[DEMO.node];
  const gateway = node?.gateways[DEMO.gateway];
  if (node === undefined || gateway === undefined) {
    throw OperationError.of("outputs", "the stack has no gateway", "this is a defect of gatehouse: report it");
  }

  progress.step("one real turn of each agent");
  await waitUntilReady(machine, node, note);
  const closeTunnel = record.own && (await openTunnel(record.own.ssh, record.own.providerPort, providerPort));
  const turns = await runTurns(machine, gateway, providerPort, note).finally(() => closeTunnel?.());
  const live = await liveGateways(machine, node);

  process.stdout.write(`\n${gatewayTable(DEMO.node, node, live)}\n${agentTable(node, turns)}\n`);
  process.stdout.write(`\n${closingText(machine, gateway, providerPort, paths)}\n`);
  if (record.own !== undefined)
    note("the way from your machine to the provider here is closed again: its agents answer no more");
  return turns.every(({ ok }) => ok) && Object.values(live).every(({ health }) => health === "ready");
}

/** Ports and machine are chosen at the first run; later ones keep them, so that the stack finds what it made. */
async function chooseOnce(flags: UpFlags, paths: DemoPaths): Promise<DemoRecord> {
  const present = await readRecord(paths.record);
  const { host, platform = present?.platform ?? "linux" } = flags;
  const wanted = host === undefined ? undefined : await ownAccess({ ...flags, host });
  if (present !== undefined) {
    const same = wanted === undefined || sameMachine(wanted, present.own?.ssh);
    if (same && platform === present.platform) return present;
    const where = present.own === undefined ? `its throw-away node (${present.platform})` : present.own.ssh.host;
    throw OperationError.of("host", `the demo is already on ${where}`, "run `npm run demo -- down` first");
  }
  const record: DemoRecord = {
    version: 1,
    platform,
    gatewayPort:
      wanted === undefined
        ? await freePort("127.0.0.1", DEMO.preferredPort).catch(() => freePort("127.0.0.1"))
        : DEMO.preferredPort,
    providerPort: await freePort("127.0.0.1"),
    ...(wanted === undefined && platform === "macos" && { registryPort: await freePort("127.0.0.1") }),
    ...(wanted !== undefined && { own: { ssh: wanted, providerPort: await freePort("127.0.0.1") } }),
  };
  await writeRecord(paths.record, record);
  return record;
}

/** Served for as long as the stack is brought up: a stand-in takes its Node from there. */
async function standInRuntime(paths: DemoPaths, port: number): Promise<StandInRuntime> {
  await ensurePrivateDirectory(paths.archive);
  return await serveRuntime(paths.archive, port);
}

function sameMachine(a: SshAccess, b: SshAccess | undefined): boolean {
  return a.host === b?.host && a.port === b.port && a.user === b.user && a.hostKey === b.hostKey;
}

/** Certificate authorities of this machine (a company's proxy, say) that the downloads of the node need too. */
async function authorities(paths: DemoPaths): Promise<string[]> {
  const found = await extraAuthorities(process.env);
  if (found.length === 0) return [];
  await writeFileAtomically(paths.authorities, `${found.join("\n")}\n`);
  return [paths.authorities];
}

function knownHostLine({ host, port, hostKey }: SshAccess): string {
  return `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}\n`;
}
