import type { NodeEvidence } from "../../node/diagnose/evidence.ts";
import type { StartsAt } from "../../spec/index.ts";
import { OperationError } from "../error.ts";

export type NodePlatform = NodeEvidence["platform"];

/** What a system keeps from programs that nobody has consented to. */
export interface Consent {
  /** Paths that it guards. */
  readonly guarded: RegExp;
  readonly folders: { readonly firstCommand: string; readonly nextStep: string };
  readonly localNetwork: {
    /** A look from where no consent is needed. */
    readonly firstCommand: (host: string, port: string) => string;
    readonly nextStep: string;
  };
}

/**
 * What somebody types or does on one kind of node, with the placeholders of the decision table. The words stand in the middle
 * of sentences: a step that says "restart the unit" takes it from here.
 */
export interface ServiceCommands {
  /** What launchd or systemd says of the unit. */
  readonly status: string;
  /** Which programs a shell and the unit find. */
  readonly identities: string;
  /** Why the unit does not run. */
  readonly stopped: string;
  /** The unit's definition, as it is on disk and as it was loaded. */
  readonly definition: string;
  readonly startsAtBoot: string;
  readonly enable: string;
  readonly start: string;
  readonly startAgain: string;
  /** A restart that reads variables and configuration again. */
  readonly restart: string;
  /** The same, where it is the whole step. */
  readonly restartStep: string;
  /** A start that reads a changed definition. */
  readonly reload: string;
  readonly log: string;
  readonly machineId: string;
  readonly user: string;
  readonly lingers: string;
  readonly linger: string;
  readonly clock: string;
  readonly listeners: string;
  readonly tcpListeners: string;
  /** Owner, mode and access lists of the paths that are named above it. */
  readonly files: string;
  readonly mendFiles: string;
  /** What the definition's own variables are called. */
  readonly ownVariables: string;
  /** How something that the unit puts before the declared file goes away. */
  readonly unshadow: string;
  /** How another value from the unit's or the manager's environment goes away. */
  readonly otherValue: string;
  /** What to think of where no connection to the node is possible. */
  readonly unreachable: readonly string[];
  /** Null where nobody is asked. */
  readonly consent: Consent | null;
}

const LINUX: ServiceCommands = {
  status: "systemctl --user status UNIT",
  identities: "which -a openclaw node; systemctl --user show UNIT --property=Environment",
  stopped: "openclaw gateway status",
  definition: "systemctl --user cat UNIT",
  startsAtBoot: "systemctl --user is-enabled UNIT",
  enable: "systemctl --user enable UNIT as USER",
  start: "`systemctl --user start UNIT` as USER",
  startAgain: "start the unit",
  restart: "restart the unit",
  restartStep: "restart the unit: `systemctl --user restart UNIT` as USER",
  reload: "restart the unit",
  log: "`journalctl --user --unit UNIT` as USER",
  machineId: "cat /etc/machine-id",
  user: "getent passwd USER",
  lingers: "loginctl show-user USER --property=Linger",
  linger: "loginctl enable-linger USER",
  clock: "timedatectl",
  listeners: "ss -ltnp",
  tcpListeners: "ss -ltn",
  files: "stat on the paths above",
  mendFiles: "give them back owner and mode as declared (files 0600, directories 0700), then restart the unit",
  ownVariables: "Environment= of the unit",
  unshadow: "take the drop-in away, `systemctl --user daemon-reload`, and restart the unit",
  otherValue:
    "take it out of there (drop-in, environment.d, `systemctl --user set-environment`), then restart the unit",
  unreachable: [],
  consent: null,
};

/** Where launchd has a gateway's job, and its definition. */
interface JobPlace {
  readonly domain: string;
  readonly plist: string;
  readonly owner: string;
  readonly consent: { readonly folders: string; readonly localNetwork: string };
}

/** Privacy of files (TCC) and of the local network (Apple TN3179): facts: macos.md 5. */
const PLACES: Readonly<Record<StartsAt, JobPlace>> = {
  boot: {
    domain: "system",
    plist: "/Library/LaunchDaemons/UNIT.plist",
    owner: "root:wheel, 0644",
    consent: {
      folders: "A LaunchDaemon cannot ask, and no setting of Gatehouse's grants it",
      localNetwork:
        "a LaunchDaemon is allowed by Apple's wording (TN3179), a LaunchAgent or an app is not and can ask nobody on a Mac without a screen: see that `sudo launchctl print system/UNIT` says `type = LaunchDaemon`, and that nothing but it serves the port",
    },
  },
  login: {
    domain: "gui/$(id -u USER)",
    plist: "~USER/Library/LaunchAgents/UNIT.plist",
    owner: "USER, 0600",
    consent: {
      folders: "Or consent to it at the screen, where a LaunchAgent may ask; no setting of Gatehouse's grants it",
      localNetwork:
        "a LaunchAgent needs consent (TN3179), which somebody at the screen gives in System Settings, Privacy & Security, Local Network; a gateway with `startsAt: boot` needs none by Apple's wording",
    },
  },
};

function consentOf(service: string, { folders, localNetwork }: JobPlace["consent"]): Consent {
  return {
    guarded:
      /^\/(?:Users\/[^/]+\/(?:Desktop|Documents|Downloads|Library\/Mobile Documents)|Volumes\/[^/]+|Network)(?:\/|$)/,
    folders: {
      firstCommand: `df -h on the paths above; sudo launchctl print ${service}`,
      nextStep: `put the gateway's home where no consent is needed, below /Users/USER or on the machine's own disk (\`home\` in the spec), and run \`gatehouse up\`; what an agent needs of such a folder has to be copied out of it. ${folders}`,
    },
    localNetwork: {
      firstCommand: (host, port) => `nc -z -G 3 ${host} ${port}`,
      nextStep: `run that over SSH on the node, where no consent is needed. No answer there either: that host is down, mend it. An answer: macOS keeps the local network from the gateway; ${localNetwork}`,
    },
  };
}

/** A gateway is a job of launchd's, which takes root (docs/decisions/0028); `launchctl` from facts: macos.md 1. */
function darwinCommands({ domain, plist, owner, consent }: JobPlace): ServiceCommands {
  const service = `${domain}/UNIT`;
  const print = `sudo launchctl print ${service}`;
  const bootstrap = `\`sudo launchctl bootstrap ${domain} ${plist}\``;
  // `bootout` returns before the job is gone, `bootstrap` fails until it is, and an entry that disabled the label outlives
  // its file (facts: macos.md 1.3)
  const reload = `load it anew: \`sudo launchctl bootout ${service}\`, wait until \`${print}\` finds nothing, then ${bootstrap}`;
  // reads no changed definition, and may hang on a job that launchd holds back (facts: macos.md 1.3)
  const restart = `restart it: \`sudo launchctl kickstart -k ${service}\``;
  return {
    status: print,
    identities: `which -a openclaw node; ${print}`,
    stopped: print,
    definition: `plutil -p ${plist}; ${print}`,
    startsAtBoot: `launchctl print-disabled ${domain}; ls -l ${plist}`,
    enable: `\`sudo launchctl enable ${service}\`; without ${plist} apply the gateway again`,
    start: `\`sudo launchctl enable ${service}\`, then ${bootstrap}, or \`sudo launchctl kickstart ${service}\` where \`print\` still finds it`,
    startAgain: `start it: \`sudo launchctl kickstart ${service}\``,
    restart,
    restartStep: `${restart}, which reads variables and configuration again, and no changed definition`,
    reload,
    log: "`sudo tail -n 100 /var/log/gatehouse/GATEWAY.log`",
    machineId: "ioreg -rd1 -c IOPlatformExpertDevice",
    user: "dscl . -read /Users/USER",
    lingers: `launchctl print-disabled ${domain}`,
    linger: `sudo launchctl enable ${service}`,
    clock: "sudo systemsetup -getusingnetworktime; sntp time.apple.com",
    listeners: "sudo lsof -nP -iTCP:PORT -sTCP:LISTEN",
    tcpListeners: "sudo lsof -nP -iTCP -sTCP:LISTEN",
    files: "sudo ls -leOd on the paths above",
    mendFiles: `give them back owner and mode as declared (files 0600, directories 0700; ${plist}: ${owner}), take access lists away (\`sudo chmod -N PATH\`), then ${restart}`,
    ownVariables: "EnvironmentVariables of the definition",
    unshadow: `take it out of ${plist}, then ${reload}`,
    otherValue: `take it out of ${plist}, then ${reload}`,
    // apple_ssh_and_filevault(7): before the unlock another sshd answers, from macOS 26 on, with the same host key
    unreachable: [
      "with FileVault on, a Mac waits after a power cut until somebody unlocks its disk; sshd takes a password alone then, and no key (banner: `This system is locked`)",
    ],
    consent: consentOf(service, consent),
  };
}

const COMMANDS: Readonly<Record<NodePlatform, Readonly<Record<StartsAt, ServiceCommands>>>> = {
  linux: { boot: LINUX, login: LINUX },
  darwin: { boot: darwinCommands(PLACES.boot), login: darwinCommands(PLACES.login) },
};

/**
 * The commands of one kind of node.
 * @param platform as the node named it; a stored diagnosis may have been made before it did.
 * @param startsAt when the gateway does; older diagnoses do not say it, and were of gateways that start at boot.
 * @throws {OperationError} `platform` for a kind that this version does not know.
 */
export function serviceCommands(platform: NodePlatform, startsAt: StartsAt = "boot"): ServiceCommands {
  if (Object.hasOwn(COMMANDS, platform)) return COMMANDS[platform][startsAt];
  throw OperationError.of(
    "platform",
    `the node does not say which kind of machine it is: ${JSON.stringify(platform)}`,
    "run `gatehouse up` once: the program on the node is of another version",
  );
}
