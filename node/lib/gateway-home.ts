import { join } from "node:path";
import { currentPlatform } from "../platform/index.ts";
import { homePaths } from "./paths.ts";
import type { HomePaths } from "./paths.ts";

/** Everything below a gateway user's home that a phase reads or writes; the same places as `render/layout.ts` names. */
export interface GatewayHome extends HomePaths {
  readonly config: string;
  readonly environmentFile: string;
  readonly workspaces: string;
  /** The launcher and its plan, where the fenced-in process can read and not write them. */
  readonly launcher: string;
  readonly launchPlan: string;
  /** Which versions the launcher gave to the process that it became. */
  readonly launchRecord: string;
  /** Keys that OpenClaw reads from a file. */
  readonly keys: string;
  /** What OpenClaw's policy plugin holds the configuration to. */
  readonly policy: string;
  /** What it attested last, and of which files. */
  readonly attestation: string;
  /** Directory of the HTTPS certificate, its key and its authority. */
  readonly tls: string;
  /** Copy of a configuration that the vendor's commands may rewrite. */
  readonly candidate: string;
  /** OpenClaw's databases as each version left them. */
  readonly snapshots: string;
  /** Settings, counters and lock of the metrics. */
  readonly metrics: string;
  readonly metricsSettings: string;
  readonly metricsState: string;
  /** What the dead-man timer or a boot took back, and why. */
  readonly rolledBack: string;
}

export function gatewayHome(home: string): GatewayHome {
  const paths = homePaths(home);
  return {
    ...paths,
    config: join(paths.openclaw, "openclaw.json"),
    environmentFile: join(paths.openclaw, currentPlatform().environmentFile.path),
    workspaces: join(home, "workspaces"),
    launcher: join(home, ".config/gatehouse/launch.mjs"),
    launchPlan: join(home, ".config/gatehouse/launch.json"),
    launchRecord: join(paths.openclaw, "gatehouse-launch.json"),
    keys: join(home, ".config/gatehouse/keys.json"),
    policy: join(home, ".config/gatehouse/policy.jsonc"),
    attestation: join(paths.gatehouse, "attestation.json"),
    tls: join(home, ".config/gatehouse/tls"),
    candidate: join(paths.gatehouse, "candidate"),
    snapshots: join(paths.gatehouse, "snapshots"),
    metrics: join(paths.gatehouse, "metrics"),
    metricsSettings: join(paths.gatehouse, "metrics", "settings.json"),
    metricsState: join(paths.gatehouse, "metrics", "state.json"),
    rolledBack: join(paths.gatehouse, "rolled-back.json"),
  };
}

/** Directories in the order in which they can be made, all 0700. */
export function gatewayDirectories(home: string, agents: readonly string[]): string[] {
  const below = (...parts: string[]): string => join(home, ...parts);
  return [
    below(".gatehouse"),
    below(".gatehouse", "agents"),
    below(".gatehouse", "generations"),
    below(".config"),
    below(".config", "gatehouse"),
    ...currentPlatform().services.directories.map((directory) => below(directory)),
    below(".cache"),
    below(".openclaw"),
    below(".openclaw", "logs"),
    below(".openclaw", "tmp"),
    below(".openclaw", "agents"),
    below("workspaces"),
    ...agents.flatMap((agent) => [
      below(".openclaw", "agents", agent),
      below(".openclaw", "agents", agent, "agent"),
      below("workspaces", agent),
    ]),
  ];
}
