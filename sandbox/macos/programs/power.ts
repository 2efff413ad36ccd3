import { readFaults } from "../faults.ts";
import { failed, isRoot, printed, type Output } from "./output.ts";
import { readState, writeState } from "./state.ts";

type Settings = Record<string, number>;

/** A Mac mini out of the box; source: captures named in facts/macos.md 3. The order of pmset is none. */
const INITIAL: Settings = {
  "Sleep On Power Button": 1,
  autorestart: 0,
  powernap: 1,
  standby: 0,
  networkoversleep: 0,
  disksleep: 10,
  sleep: 1,
  ttyskeepawake: 1,
  displaysleep: 10,
  tcpkeepalive: 1,
  lowpowermode: 0,
  womp: 1,
};
/** What pmset takes; others of these that the machine does not have are ignored in silence. */
const SETTABLE = new Set([
  ...["sleep", "disksleep", "displaysleep", "standby", "standbydelay", "powernap", "womp", "autorestart", "ring"],
  ...[
    "networkoversleep",
    "ttyskeepawake",
    "tcpkeepalive",
    "lowpowermode",
    "hibernatemode",
    "autopoweroff",
    "disablesleep",
  ],
  ...["proximitywake", "lidwake", "acwake", "lessbright", "halfdim", "autorestartatconnect", "destroyfvkeyonstandby"],
]);

const settings = (): Settings => ({ ...readState<Settings>("power", INITIAL) });

function table(values: Settings): string {
  return Object.entries(values)
    .filter(([name]) => name !== "disablesleep")
    .map(([name, value]) => ` ${name.padEnd(20)} ${value}\n`)
    .join("");
}

/** Stand-in for pmset. Source: man pmset, Apple's pmset.m (facts/macos.md 3). */
export function pmset(argv: readonly string[]): Output {
  const [option = "", ...words] = argv;
  if (option === "-g") return show(words[0]);
  if (!["-a", "-c", "-b", "-u"].includes(option) && !SETTABLE.has(option))
    return failed(64, "Usage: pmset <options>\n");
  // on stdout: pmset.m prints it with printf
  if (!isRoot()) return { code: 1, stdout: "'pmset' must be run as root...\n", stderr: "" };
  const pairs = option.startsWith("-") ? words : argv;
  const values = settings();
  for (let index = 0; index < pairs.length; index += 2) {
    const [name = "", text = ""] = pairs.slice(index, index + 2);
    if (!SETTABLE.has(name) || !/^\d+$/.test(text)) return failed(64, "Usage: pmset <options>\n");
    if (name in INITIAL || name === "disablesleep") values[name] = Number(text);
  }
  writeState("power", values);
  return printed();
}

function show(what: string | undefined): Output {
  const values = settings();
  if (what === "custom") return printed(`AC Power:\n${table(values)}`);
  if (what === "cap") return printed(`Capabilities for AC Power:\n${Object.keys(values).map((name) => ` ${name}\n`).join("")}`); // prettier-ignore
  if (what === "batt" || what === "ps") return printed("Now drawing from 'AC Power'\n");
  if (what !== undefined && what !== "live") return printed("");
  const disabled = values["disablesleep"] === 1 ? " SleepDisabled\t\t1\n" : "";
  return printed(`System-wide power settings:\n${disabled}Currently in use:\n${table(values)}`);
}

/** A write that works and still complains (facts/macos.md 3: nix-darwin #359). */
const FALSE_ERROR =
  "### Error:-99 File:/AppleInternal/Library/BuildRoots/Sources/Admin/Admin/InternetServices.m Line:379\n";

/** Stand-in for systemsetup. Source: man systemsetup, facts/macos.md 2 and 3. */
export function systemsetup(argv: readonly string[]): Output {
  const [option = "", value = ""] = argv.map((word) => word.toLowerCase());
  if (!isRoot()) return { code: 1, stdout: "You need administrator access to run this tool... exiting!\n", stderr: "" };
  const state = readState<Record<string, string>>("systemsetup", { networktime: "On", remotelogin: "On" });
  const on = value === "on" ? "On" : "Off";
  const power = settings();
  const minutes = (count: number | undefined): string => (count === 0 ? "Never" : `after ${count ?? 0} minutes`);
  switch (option) {
    case "-getusingnetworktime":
      return printed(`Network Time: ${state["networktime"] ?? "On"}\n`);
    case "-setusingnetworktime":
      writeState("systemsetup", { ...state, networktime: on });
      return printed(`setUsingNetworkTime: ${on}\n`);
    case "-getnetworktimeserver":
      return printed("Network Time Server: time.apple.com\n");
    case "-gettimezone":
      return printed("Time Zone: GMT\n");
    case "-getremotelogin":
      return printed(`Remote Login: ${state["remotelogin"] ?? "On"}\n`);
    case "-setremotelogin":
      if (readFaults().noFullDiskAccess === true) {
        return {
          code: 1,
          stdout: "Turning Remote Login on or off requires Full Disk Access privileges.\n",
          stderr: "",
        };
      }
      writeState("systemsetup", { ...state, remotelogin: on });
      return printed();
    case "-getcomputersleep":
      return printed(`Computer Sleep: ${minutes(power["sleep"])}\n`);
    case "-getrestartpowerfailure":
      return printed(`Restart After Power Failure: ${power["autorestart"] === 1 ? "On" : "Off"}\n`);
    case "-setcomputersleep":
      writeState("power", { ...power, sleep: value === "never" || value === "off" ? 0 : Number(value) });
      return { code: 0, stdout: `setcomputersleep: ${value}\n`, stderr: FALSE_ERROR };
    case "-setrestartpowerfailure":
      writeState("power", { ...power, autorestart: on === "On" ? 1 : 0 });
      return { code: 0, stdout: `setrestartpowerfailure: ${on}\n`, stderr: FALSE_ERROR };
    default:
      return failed(64, "the stand-in's systemsetup does not know that\n");
  }
}

/** Stand-in for `fdesetup status` and `isactive`; `state/filevault.json` holds `true` when a test turned it on. */
export function fdesetup(argv: readonly string[]): Output {
  const on = readState<boolean>("filevault", false);
  if (argv[0] === "status") return printed(`FileVault is ${on ? "On" : "Off"}.\n`);
  if (argv[0] === "isactive") return { code: on ? 0 : 1, stdout: `${on}\n`, stderr: "" };
  return failed(64, "the stand-in's fdesetup does not know that\n");
}

/** Stand-in for `softwareupdate --schedule [on|off]`; man softwareupdate. */
export function softwareupdate(argv: readonly string[]): Output {
  if (argv[0] !== "--schedule") return failed(64, "the stand-in's softwareupdate knows --schedule only\n");
  const [, value] = argv;
  if (value === undefined) {
    return printed(`Automatic checking for updates is turned ${readState("softwareupdate", "on")}\n`);
  }
  if (!isRoot()) return failed(1, "softwareupdate: This operation requires root\n");
  const word = value === "on" ? "on" : "off";
  writeState("softwareupdate", word);
  return printed(`Automatic checking for updates is turned ${word}\n`);
}
