import type { NodeEvidence } from "../../node/diagnose/evidence.ts";
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

const PLIST = "/Library/LaunchDaemons/UNIT.plist";
const BOOTSTRAP = `\`sudo launchctl bootstrap system ${PLIST}\``;
/**
 * `bootout` returns before the job is gone, `bootstrap` fails until it is, and an entry that disabled the label outlives its
 * file (facts: macos.md 1.3).
 */
const RELOAD = `load it anew: \`sudo launchctl bootout system/UNIT\`, wait until \`sudo launchctl print system/UNIT\` finds nothing, then ${BOOTSTRAP}`;
/** Reads no changed definition, and may hang on a job that launchd holds back (facts: macos.md 1.3). */
const RESTART = "restart it: `sudo launchctl kickstart -k system/UNIT`";

/** Privacy of files (TCC) and of the local network (Apple TN3179), which a daemon can ask nobody for (facts: macos.md 5). */
const CONSENT: Consent = {
  guarded:
    /^\/(?:Users\/[^/]+\/(?:Desktop|Documents|Downloads|Library\/Mobile Documents)|Volumes\/[^/]+|Network)(?:\/|$)/,
  folders: {
    firstCommand: "df -h on the paths above; sudo launchctl print system/UNIT",
    nextStep:
      "put the gateway's home where no consent is needed, below /Users/USER or on the machine's own disk (`home` in the spec), and run `gatehouse up`; what an agent needs of such a folder has to be copied out of it. A LaunchDaemon cannot ask, and no setting of Gatehouse's grants it",
  },
  localNetwork: {
    firstCommand: (host, port) => `nc -z -G 3 ${host} ${port}`,
    nextStep:
      "run that over SSH on the node, where no consent is needed. No answer there either: that host is down, mend it. An answer: macOS keeps the local network from the gateway; a LaunchDaemon is allowed by Apple's wording (TN3179), a LaunchAgent or an app is not and can ask nobody on a Mac without a screen: see that `sudo launchctl print system/UNIT` says `type = LaunchDaemon`, and that nothing but it serves the port",
  },
};

/** A gateway is a job of launchd's system domain, which takes root (docs/decisions/0028); `launchctl` from facts: macos.md 1. */
const DARWIN: ServiceCommands = {
  status: "sudo launchctl print system/UNIT",
  identities: "which -a openclaw node; sudo launchctl print system/UNIT",
  stopped: "sudo launchctl print system/UNIT",
  definition: `plutil -p ${PLIST}; sudo launchctl print system/UNIT`,
  startsAtBoot: `launchctl print-disabled system; ls -l ${PLIST}`,
  enable: `\`sudo launchctl enable system/UNIT\`; without ${PLIST} apply the gateway again`,
  start: `\`sudo launchctl enable system/UNIT\`, then ${BOOTSTRAP}, or \`sudo launchctl kickstart system/UNIT\` where \`print\` still finds it`,
  startAgain: "start it: `sudo launchctl kickstart system/UNIT`",
  restart: RESTART,
  restartStep: `${RESTART}, which reads variables and configuration again, and no changed definition`,
  reload: RELOAD,
  log: "`sudo tail -n 100 /var/log/gatehouse/GATEWAY.log`",
  machineId: "ioreg -rd1 -c IOPlatformExpertDevice",
  user: "dscl . -read /Users/USER",
  lingers: "launchctl print-disabled system",
  linger: "sudo launchctl enable system/UNIT",
  clock: "sudo systemsetup -getusingnetworktime; sntp time.apple.com",
  listeners: "sudo lsof -nP -iTCP:PORT -sTCP:LISTEN",
  tcpListeners: "sudo lsof -nP -iTCP -sTCP:LISTEN",
  files: "sudo ls -leOd on the paths above",
  mendFiles: `give them back owner and mode as declared (files 0600, directories 0700; ${PLIST}: root:wheel, 0644), take access lists away (\`sudo chmod -N PATH\`), then ${RESTART}`,
  ownVariables: "EnvironmentVariables of the definition",
  unshadow: `take it out of ${PLIST}, then ${RELOAD}`,
  otherValue: `take it out of ${PLIST}, then ${RELOAD}`,
  // apple_ssh_and_filevault(7): before the unlock another sshd answers, from macOS 26 on, with the same host key
  unreachable: [
    "with FileVault on, a Mac waits after a power cut until somebody unlocks its disk; sshd takes a password alone then, and no key (banner: `This system is locked`)",
  ],
  consent: CONSENT,
};

const COMMANDS: Readonly<Record<NodePlatform, ServiceCommands>> = { linux: LINUX, darwin: DARWIN };

/**
 * The commands of one kind of node.
 * @param platform as the node named it; a stored diagnosis may have been made before it did.
 * @throws {OperationError} `platform` for a kind that this version does not know.
 */
export function serviceCommands(platform: NodePlatform): ServiceCommands {
  if (Object.hasOwn(COMMANDS, platform)) return COMMANDS[platform];
  throw OperationError.of(
    "platform",
    `the node does not say which kind of machine it is: ${JSON.stringify(platform)}`,
    "run `gatehouse up` once: the program on the node is of another version",
  );
}
