import { join } from "node:path";

/** The fixed layout of a node. `root` is `/` everywhere but in tests. */
export interface NodePaths {
  /** Root-owned, world-readable: Node, this program, OpenClaw. */
  readonly prefix: string;
  readonly nodes: string;
  readonly programs: string;
  readonly runtimes: string;
  /** Root-only state: machine record, locks, gateway registry. */
  readonly state: string;
  readonly machineRecord: string;
  /** Private half of the key that payloads are sealed for. */
  readonly sealingKey: string;
  /** Which runtime asks for a machine that never sleeps. */
  readonly awake: string;
  /** Drop-in of systemd-sleep.conf(5). */
  readonly sleepConfig: string;
  /** macOS: the power and update settings of before ours, and units and timers of root's. */
  readonly powerRecord: string;
  readonly updatesRecord: string;
  readonly units: string;
  readonly timers: string;
  /** macOS: where launchd, its jobs and newsyslog look. */
  readonly daemons: string;
  readonly serviceLogs: string;
  readonly logRotation: string;
  readonly locks: string;
  /** One `<gateway>.json` for every gateway that principals may reach: whose keys, since when. */
  readonly access: string;
  /** One `<gateway>.json` for every gateway whose account exists. */
  readonly gateways: string;
  /** World-readable: what node_exporter's textfile collector reads, and a directory of each gateway's user. */
  readonly metrics: string;
}

export function nodePaths(root = "/"): NodePaths {
  const prefix = join(root, "opt/gatehouse");
  const state = join(root, "var/lib/gatehouse");
  return {
    prefix,
    nodes: join(prefix, "node"),
    programs: join(prefix, "program"),
    runtimes: join(prefix, "runtime"),
    state,
    machineRecord: join(state, "machine.json"),
    sealingKey: join(state, "sealing-key.pem"),
    awake: join(state, "awake.json"),
    sleepConfig: join(root, "etc/systemd/sleep.conf.d/50-gatehouse.conf"),
    powerRecord: join(state, "power.json"),
    updatesRecord: join(state, "updates.json"),
    units: join(state, "units"),
    timers: join(state, "timers"),
    daemons: join(root, "Library/LaunchDaemons"),
    serviceLogs: join(root, "var/log/gatehouse"),
    logRotation: join(root, "etc/newsyslog.d"),
    locks: join(state, "locks"),
    access: join(state, "access"),
    gateways: join(state, "gateways"),
    metrics: join(root, "var/lib/gatehouse-metrics"),
  };
}

/** Where things are below a gateway user's home; all of it is written as that user only. */
export interface HomePaths {
  readonly gatehouse: string;
  readonly agents: string;
  readonly generations: string;
  /** Symlink to the live generation: swapping it is the commit point. */
  readonly current: string;
  readonly switchJournal: string;
  /** Since when each variable has its value. */
  readonly issued: string;
  readonly lock: string;
  readonly openclaw: string;
  readonly userUnits: string;
  /** macOS: what launchd starts when the user logs in at the screen. */
  readonly launchAgents: string;
}

export function homePaths(home: string): HomePaths {
  const gatehouse = join(home, ".gatehouse");
  return {
    gatehouse,
    agents: join(gatehouse, "agents"),
    generations: join(gatehouse, "generations"),
    current: join(gatehouse, "current"),
    switchJournal: join(gatehouse, "switch.json"),
    issued: join(gatehouse, "issued.json"),
    lock: join(gatehouse, "lock.sqlite"),
    openclaw: join(home, ".openclaw"),
    userUnits: join(home, ".config/systemd/user"),
    launchAgents: join(home, "Library/LaunchAgents"),
  };
}
