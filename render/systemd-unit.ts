import type { GatewaySpec } from "../spec/index.ts";
import { hardeningDirectives } from "./hardening.ts";
import { runtimePaths, type GatewayLayout } from "./layout.ts";

/** The pinned runtime that a unit starts. */
export interface UnitRuntime {
  /** Directory name below `/opt/gatehouse/runtime`. */
  readonly id: string;
  /** Absolute path of the pinned `node`. */
  readonly nodePath: string;
}

/**
 * The systemd user unit of one gateway: the vendor's own shape, which `gateway status` audits, plus what keeps the vendor
 * from repairing or updating the installation by itself, plus the hardening (facts: openclaw.md 4). With `launcher` the
 * main process is our launcher first, which reads the keys and becomes the gateway (docs/decisions/0014).
 */
export function renderSystemdUnit(
  gateway: Pick<GatewaySpec, "port" | "heapMebibytes" | "agents">,
  layout: GatewayLayout,
  runtime: UnitRuntime,
  start: "direct" | "launcher" = "direct",
): string {
  const nodeDir = runtime.nodePath.slice(0, runtime.nodePath.lastIndexOf("/"));
  const { entry } = runtimePaths(runtime.id);
  const command = `${runtime.nodePath} --max-old-space-size=${gateway.heapMebibytes} ${entry} gateway --port ${gateway.port}`;
  const launch = `${runtime.nodePath} --disable-warning=ExperimentalWarning ${layout.launcherPath} ${layout.launchPlanPath} `;
  return [
    "[Unit]",
    "Description=OpenClaw Gateway",
    "After=network-online.target",
    "Wants=network-online.target",
    "StartLimitBurst=10",
    // the launcher waits 20 s for a manager that is down, and the unit 5 s: that alone never reaches the limit
    `StartLimitIntervalSec=${start === "launcher" ? 200 : 300}`,
    "",
    "[Service]",
    `ExecStart=${start === "launcher" ? launch : ""}${command}`,
    "Restart=always",
    "RestartSec=5",
    "RestartPreventExitStatus=78",
    "TimeoutStopSec=330",
    "TimeoutStartSec=30",
    "SuccessExitStatus=0 143",
    "OOMPolicy=continue",
    "KillMode=mixed",
    // the leading '-' is the vendor's; the converge step makes sure that the file is there
    `EnvironmentFile=-${layout.envFile}`,
    `Environment=HOME=${layout.home}`,
    `Environment=TMPDIR=${layout.tempDir}`,
    `Environment=PATH=${nodeDir}:/usr/local/bin:/usr/bin:/bin`,
    "Environment=NODE_OPTIONS=",
    // the user's own shell is nologin; systemd would export that one
    "Environment=SHELL=/bin/sh",
    `Environment=NODE_COMPILE_CACHE=${layout.compileCacheDir}`,
    `Environment=OPENCLAW_GATEWAY_PORT=${gateway.port}`,
    `Environment=OPENCLAW_SYSTEMD_UNIT=${layout.unitName}`,
    "Environment=OPENCLAW_SERVICE_MARKER=openclaw",
    "Environment=OPENCLAW_SERVICE_KIND=gateway",
    "Environment=OPENCLAW_CONFIG_READONLY=1",
    "Environment=OPENCLAW_SUPERVISOR_MODE=external",
    "Environment=OPENCLAW_SERVICE_REPAIR_POLICY=external",
    "Environment=OPENCLAW_NO_AUTO_UPDATE=1",
    "Environment=OPENCLAW_DISABLE_BONJOUR=1",
    ...hardeningDirectives(layout),
    // on each start the mount point is checked by systemd; a directory that is gone stops the start (no leading '-')
    ...gateway.agents.flatMap((agent) =>
      agent.sharedDirectories.map((path) => `BindReadOnlyPaths=${path}:${layout.sharedMount(agent.id, path)}`),
    ),
    "",
    "[Install]",
    "WantedBy=default.target",
    "",
  ].join("\n");
}
