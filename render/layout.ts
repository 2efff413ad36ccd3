import { defaultHome, type GatewaySpec, type Platform, type StartsAt } from "../spec/index.ts";
import { GATEHOUSE_ROOT } from "./root.ts";

/** On Linux the vendor derives this name from the default profile; each gateway has an OS user of its own, so it never collides. */
export const GATEWAY_UNIT = "openclaw-gateway.service";

/** Of files that are the gateway's alone, in its home. */
const LAUNCHD_FILES = "org.gatehouse.gateway";

/**
 * launchd has one name space for the whole machine: the gateway's name follows. By when it starts, which also decides the
 * domain: whoever has the label knows where launchd has the job.
 */
const LAUNCHD_JOBS: Readonly<Record<StartsAt, { readonly label: string; readonly folder: (home: string) => string }>> =
  {
    boot: { label: "org.gatehouse.gateway", folder: () => "/Library/LaunchDaemons" },
    login: { label: "org.gatehouse.login-gateway", folder: (home) => `${home}/Library/LaunchAgents` },
  };

/** Where a platform's service manager looks, and what the unit reads its secrets from. */
interface ServicePlaces {
  readonly unitName: string;
  readonly unitPath: string;
  readonly envFile: string;
  readonly envWrapper: string;
  readonly serviceLog: string;
}

type ServiceSubject = Pick<GatewaySpec, "name" | "startsAt"> & { readonly home: string; readonly stateDir: string };

const PLACES: Readonly<Record<Platform, (gateway: ServiceSubject) => ServicePlaces>> = {
  linux: ({ home, stateDir }) => ({
    unitName: GATEWAY_UNIT,
    unitPath: `${home}/.config/systemd/user/${GATEWAY_UNIT}`,
    envFile: `${stateDir}/gateway.systemd.env`,
    envWrapper: "",
    serviceLog: "",
  }),
  macos: ({ name, startsAt, home, stateDir }) => {
    const { label, folder } = LAUNCHD_JOBS[startsAt];
    return {
      unitName: `${label}.${name}`,
      unitPath: `${folder(home)}/${label}.${name}.plist`,
      envFile: `${stateDir}/service-env/${LAUNCHD_FILES}.env`,
      envWrapper: `${stateDir}/service-env/${LAUNCHD_FILES}-env-wrapper.sh`,
      serviceLog: `/var/log/gatehouse/${name}.log`,
    };
  },
};

/** Installed package of a runtime; `entry` is the gateway, `cli` the command line. */
export interface RuntimePaths {
  readonly directory: string;
  readonly entry: string;
  readonly cli: string;
}

export function runtimePaths(runtimeId: string): RuntimePaths {
  const directory = `${GATEHOUSE_ROOT}/runtime/${runtimeId}`;
  const openclaw = `${directory}/node_modules/openclaw`;
  return { directory, entry: `${openclaw}/dist/index.js`, cli: `${openclaw}/openclaw.mjs` };
}

/** Files of one generation, below its directory. */
export const GENERATION_FILES = {
  config: "openclaw.json",
  environment: "gateway.env",
  unit: GATEWAY_UNIT,
  secretsPlan: "secrets-plan.json",
  manifest: "manifest.json",
} as const;

/** Absolute paths of one gateway, all below its user's home. */
export interface GatewayLayout {
  readonly user: string;
  readonly home: string;
  /** The vendor's state directory and the files in it that Gatehouse writes. */
  readonly stateDir: string;
  readonly configPath: string;
  readonly envFile: string;
  /** macOS: the script that starts the gateway with the variables of `envFile`. Empty on Linux, where systemd reads it. */
  readonly envWrapper: string;
  /** macOS: what the process prints, kept by launchd. Empty on Linux, where the journal has it. */
  readonly serviceLog: string;
  readonly logFile: string;
  readonly unitName: string;
  readonly unitPath: string;
  readonly workspacesDir: string;
  /** The vendor puts database snapshots here and does not start when it cannot. */
  readonly cacheDir: string;
  /**
   * Compiled JavaScript of the vendor. Its default is a predictable name in the shared /tmp, where another user could
   * place code that this gateway would run.
   */
  readonly compileCacheDir: string;
  readonly tempDir: string;
  /** Gatehouse's own directory; the gateway process never needs it. */
  readonly gatehouseDir: string;
  /** The launcher of a gateway whose keys the node reads itself, its plan, and what it notes at every start. */
  readonly launcherPath: string;
  readonly launchPlanPath: string;
  readonly launchRecordPath: string;
  /** Keys with `delivery: file`, as one JSON object by variable name; OpenClaw reads it. */
  readonly keysPath: string;
  /** What OpenClaw's policy plugin holds the configuration to. */
  readonly policyPath: string;
  /** Of a gateway with `https`: its certificate, the key of it, and the authority that signed it. */
  readonly certificatePath: string;
  readonly certificateKeyPath: string;
  readonly authorityPath: string;
  readonly generationsDir: string;
  /** Symlink to the live generation; swapping it is the commit point. */
  readonly currentLink: string;
  /** Says what to return to while a switch is under way or unconfirmed. */
  readonly journalPath: string;
  /** Serialises everyone who changes this gateway's files: converge, settle, verify. */
  readonly lockPath: string;
  workspace(agent: string): string;
  /** Where an agent finds a shared directory: the file tools leave its workspace for nothing. */
  sharedMount(agent: string, directory: string): string;
  agentDir(agent: string): string;
  stagingDir(agent: string): string;
  stagedCredentials(agent: string): string;
  generationDir(generation: string): string;
}

export function gatewayLayout(
  platform: Platform,
  {
    name,
    user,
    startsAt,
    home = defaultHome(platform, user),
  }: Pick<GatewaySpec, "name" | "user" | "startsAt" | "home">,
): GatewayLayout {
  const stateDir = `${home}/.openclaw`;
  const gatehouseDir = `${home}/.gatehouse`;
  const workspacesDir = `${home}/workspaces`;
  const cacheDir = `${home}/.cache`;
  return {
    user,
    home,
    stateDir,
    configPath: `${stateDir}/openclaw.json`,
    ...PLACES[platform]({ name, startsAt, home, stateDir }),
    logFile: `${stateDir}/logs/gateway.log`,
    workspacesDir,
    cacheDir,
    compileCacheDir: `${cacheDir}/openclaw-compile`,
    tempDir: `${stateDir}/tmp`,
    gatehouseDir,
    launcherPath: `${home}/.config/gatehouse/launch.mjs`,
    launchPlanPath: `${home}/.config/gatehouse/launch.json`,
    launchRecordPath: `${stateDir}/gatehouse-launch.json`,
    keysPath: `${home}/.config/gatehouse/keys.json`,
    policyPath: `${home}/.config/gatehouse/policy.jsonc`,
    certificatePath: `${home}/.config/gatehouse/tls/certificate.pem`,
    certificateKeyPath: `${home}/.config/gatehouse/tls/key.pem`,
    authorityPath: `${home}/.config/gatehouse/tls/authority.pem`,
    generationsDir: `${gatehouseDir}/generations`,
    currentLink: `${gatehouseDir}/current`,
    journalPath: `${gatehouseDir}/switch.json`,
    lockPath: `${gatehouseDir}/lock.sqlite`,
    workspace: (agent) => `${workspacesDir}/${agent}`,
    sharedMount: (agent, directory) => `${workspacesDir}/${agent}/shared/${directory.split("/").at(-1) ?? ""}`,
    agentDir: (agent) => `${stateDir}/agents/${agent}/agent`,
    stagingDir: (agent) => `${gatehouseDir}/agents/${agent}`,
    stagedCredentials: (agent) => `${gatehouseDir}/agents/${agent}/credentials.json`,
    generationDir: (generation) => `${gatehouseDir}/generations/${generation}`,
  };
}
