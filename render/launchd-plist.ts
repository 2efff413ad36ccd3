import { build } from "plist";
import type { PlistValue } from "plist";
import type { GatewaySpec } from "../spec/index.ts";
import { runtimePaths, type GatewayLayout } from "./layout.ts";
import type { UnitRuntime } from "./systemd-unit.ts";

/** Seconds between SIGTERM and SIGKILL: as long as a Linux unit gives a gateway to finish its turns. */
const EXIT_SECONDS = 330;

/** Every key of our property lists, and why it is there (facts: launchd.plist(5), macos.md 1.5). */
export const LAUNCHD_KEYS = {
  Label: "its name in its domain; our own, so that the vendor's commands take it for nobody's",
  UserName: "the job is root's to start and the gateway's user to run as: it starts at boot, without a login",
  GroupName: "the user's own group; the default could be `staff`, in which every local account is",
  ProgramArguments: "`/bin/sh` and the wrapper, which reads the secrets from a 0600 file, then the pinned Node",
  WorkingDirectory: "a `.env` in the working directory is read by OpenClaw, so it is none of the workspaces",
  EnvironmentVariables: "plain settings only: `launchctl print` shows them to every user of the machine",
  RunAtLoad: "starts at boot; `KeepAlive` implies it, this says it",
  KeepAlive: "starts again whatever the process ended with",
  ThrottleInterval: "seconds from one start to the next; launchd's default, said so that it can be read",
  ExitTimeOut: "launchd's own is 5 seconds, which cuts off a gateway that finishes its turns and closes its databases",
  Umask: "63 is octal 077: launchd reads the number as decimal",
  ProcessType: "without it launchd throttles processor and disk of what it takes for background work",
  StandardInPath: "nothing to read",
  StandardOutPath: "in a folder of root's that is made first: a missing one ends in exit 78 and no log at all",
  StandardErrorPath: "the same file",
  SoftResourceLimits: "no core files, which would hold every secret; more than 256 open files",
  HardResourceLimits: "the same, out of the process's reach",
  LimitLoadToSessionType: "of an agent: only in a session at the screen",
} as const;

type LaunchdKey = keyof typeof LAUNCHD_KEYS;
type LaunchdJob = Partial<Record<LaunchdKey, PlistValue>>;

/** How a gateway is started: `direct`, or by our launcher, which reads its keys first (docs/decisions/0014). */
export type StartForm = "direct" | "launcher";

function commandLine(
  gateway: Pick<GatewaySpec, "port" | "heapMebibytes">,
  layout: GatewayLayout,
  runtime: UnitRuntime,
  start: StartForm,
): string[] {
  const { entry } = runtimePaths(runtime.id);
  const launcher = [
    runtime.nodePath,
    "--disable-warning=ExperimentalWarning",
    layout.launcherPath,
    layout.launchPlanPath,
  ];
  return [
    "/bin/sh",
    layout.envWrapper,
    layout.envFile,
    ...(start === "launcher" ? launcher : []),
    runtime.nodePath,
    `--max-old-space-size=${gateway.heapMebibytes}`,
    entry,
    "gateway",
    "--port",
    String(gateway.port),
  ];
}

/** Nothing that is secret: those variables are in `layout.envFile`. */
function environment(
  { port }: Pick<GatewaySpec, "port">,
  layout: GatewayLayout,
  { nodePath }: UnitRuntime,
): Record<string, string> {
  return {
    // what launchd sets of these is not the same on every version
    HOME: layout.home,
    USER: layout.user,
    LOGNAME: layout.user,
    SHELL: "/bin/sh",
    TMPDIR: layout.tempDir,
    PATH: `${nodePath.slice(0, nodePath.lastIndexOf("/"))}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
    NODE_OPTIONS: "",
    NODE_COMPILE_CACHE: layout.compileCacheDir,
    // the vendor's own two: a user without a keychain has no other authorities
    NODE_EXTRA_CA_CERTS: "/etc/ssl/cert.pem",
    NODE_USE_SYSTEM_CA: "1",
    OPENCLAW_GATEWAY_PORT: String(port),
    OPENCLAW_LAUNCHD_LABEL: layout.unitName,
    OPENCLAW_SERVICE_MARKER: "openclaw",
    OPENCLAW_SERVICE_KIND: "gateway",
    OPENCLAW_CONFIG_READONLY: "1",
    OPENCLAW_SUPERVISOR_MODE: "external",
    OPENCLAW_SERVICE_REPAIR_POLICY: "external",
    OPENCLAW_NO_AUTO_UPDATE: "1",
    OPENCLAW_DISABLE_BONJOUR: "1",
  };
}

function common(
  gateway: Pick<GatewaySpec, "port" | "heapMebibytes">,
  layout: GatewayLayout,
  runtime: UnitRuntime,
  start: StartForm,
): LaunchdJob {
  return {
    Label: layout.unitName,
    ProgramArguments: commandLine(gateway, layout, runtime, start),
    WorkingDirectory: layout.stateDir,
    EnvironmentVariables: environment(gateway, layout, runtime),
    RunAtLoad: true,
    KeepAlive: true,
    ThrottleInterval: 10,
    ExitTimeOut: EXIT_SECONDS,
    Umask: 0o077,
    ProcessType: "Interactive",
    StandardInPath: "/dev/null",
    SoftResourceLimits: { Core: 0, NumberOfFiles: 8192 },
    HardResourceLimits: { Core: 0, NumberOfFiles: 16_384 },
  };
}

/** Also of an agent: root makes the file for its user, and newsyslog rotates it. */
function output({ serviceLog }: GatewayLayout): LaunchdJob {
  return { StandardOutPath: serviceLog, StandardErrorPath: serviceLog };
}

function text(job: LaunchdJob): string {
  return `${build(job, { indent: "\t" })}\n`;
}

/**
 * The LaunchDaemon of one gateway, for `/Library/LaunchDaemons`: it starts at boot and runs as the gateway's user.
 * Holds no secret: whoever has an account on the machine can read it.
 */
export function renderLaunchDaemon(
  gateway: Pick<GatewaySpec, "port" | "heapMebibytes">,
  layout: GatewayLayout,
  runtime: UnitRuntime,
  start: StartForm = "direct",
): string {
  return text({
    ...common(gateway, layout, runtime, start),
    UserName: layout.user,
    GroupName: layout.user,
    ...output(layout),
  });
}

/** The same as a LaunchAgent, for `~/Library/LaunchAgents`: it starts when its user logs in at the screen, and not before. */
export function renderLaunchAgent(
  gateway: Pick<GatewaySpec, "port" | "heapMebibytes">,
  layout: GatewayLayout,
  runtime: UnitRuntime,
  start: StartForm = "direct",
): string {
  return text({ ...common(gateway, layout, runtime, start), LimitLoadToSessionType: "Aqua", ...output(layout) });
}
