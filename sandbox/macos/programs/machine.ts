import { readFileSync } from "node:fs";
import { cpus, hostname, totalmem } from "node:os";
import { PATHS } from "../paths.ts";
import { failed, printed, type Output } from "./output.ts";
import { readState } from "./state.ts";

interface Model {
  /** As `uname -m`: the real processor of the tests is x86_64. */
  readonly machine: "x86_64" | "arm64";
  readonly productVersion: string;
  readonly build: string;
  /** Of the kernel: macOS 26.5 is Darwin 25.5. */
  readonly release: string;
}

const DEFAULT_MODEL: Model = { machine: "x86_64", productVersion: "26.5.2", build: "25F84", release: "25.5.0" };

/** What kind of Mac this is; a test changes it in `state/model.json`. */
function model(): Model {
  return { ...DEFAULT_MODEL, ...readState<Partial<Model>>("model", {}) };
}

/** Stand-in for uname; man uname: the letters of every option, in the order of -a. */
export function uname(argv: readonly string[]): Output {
  const { machine, release } = model();
  const letters = argv.join("").replaceAll("-", "");
  const wanted = letters.includes("a") ? "snrvm" : letters || "s";
  const values: Readonly<Record<string, string>> = {
    s: "Darwin",
    n: hostname(),
    r: release,
    v: `Darwin Kernel Version ${release}: stand-in of Gatehouse's tests; root:xnu/RELEASE_${machine.toUpperCase()}`,
    m: machine,
    p: machine === "arm64" ? "arm" : "i386",
    o: "Darwin",
  };
  const unknown = Array.from(wanted).find((letter) => !(letter in values));
  if (unknown !== undefined) return failed(1, `uname: illegal option -- ${unknown}\nusage: uname [-amnoprsv]\n`);
  return printed(`${["s", "n", "r", "v", "m", "p", "o"].filter((letter) => wanted.includes(letter)).map((letter) => values[letter] ?? "").join(" ")}\n`); // prettier-ignore
}

/** Stand-in for sw_vers; man sw_vers: two tabs after the names, one property alone without its name. */
export function swVers(argv: readonly string[]): Output {
  const { productVersion, build } = model();
  const rows: Readonly<Record<string, string>> = {
    ProductName: "macOS",
    ProductVersion: productVersion,
    BuildVersion: build,
  };
  const [option] = argv;
  if (option === undefined) {
    return printed(Object.entries(rows).map(([name, value]) => `${name}:\t\t${value}\n`).join("")); // prettier-ignore
  }
  const asked = option.replace(/^--?/, "").toLowerCase();
  const found = Object.entries(rows).find(([name]) => name.toLowerCase() === asked)?.[1];
  return found === undefined ? failed(64, `sw_vers: unrecognized option: ${option}\n`) : printed(`${found}\n`);
}

/** Stand-in for `ioreg -rd1 -c IOPlatformExpertDevice`; source: captures in facts/macos.md 4. */
export function ioreg(argv: readonly string[]): Output {
  if (!argv.includes("IOPlatformExpertDevice")) return printed("");
  const uuid = readFileSync(PATHS.machineId, "utf8").trim();
  return printed(
    [
      "+-o J274AP  <class IOPlatformExpertDevice, id 0x100000227, registered, matched, active, busy 0 (0 ms), retain 39>",
      "    {",
      '      "manufacturer" = <"Apple Inc.">',
      '      "model" = <"Macmini9,1">',
      `      "IOPlatformUUID" = "${uuid}"`,
      '      "IOPlatformSerialNumber" = "STANDIN00000"',
      "    }",
      "",
      "",
    ].join("\n"),
  );
}

/** Seconds since the epoch at which the container's first process started; proc(5): field 22, in hundredths since boot. */
function bootSeconds(): number {
  const machine = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]);
  const stat = readFileSync("/proc/1/stat", "utf8");
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  return machine + Math.floor(ticks / 100);
}

function oids(): Readonly<Record<string, string>> {
  const boot = bootSeconds();
  const [processor] = cpus();
  return {
    "kern.boottime": `{ sec = ${boot}, usec = 0 } ${new Date(boot * 1000).toUTCString()}`,
    "kern.bootsessionuuid": readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim().toUpperCase(),
    "kern.hostname": hostname(),
    "kern.osproductversion": model().productVersion,
    "kern.osrelease": model().release,
    "kern.ostype": "Darwin",
    "hw.memsize": String(totalmem()),
    "hw.ncpu": String(cpus().length),
    "hw.model": "Macmini9,1",
    "machdep.cpu.brand_string": processor?.model ?? "",
    "sysctl.proc_translated": "0",
  };
}

/** Stand-in for sysctl: reading only. Source: man sysctl. */
export function sysctl(argv: readonly string[]): Output {
  const bare = argv.includes("-n");
  const known = oids();
  const names = argv.filter((word) => !word.startsWith("-"));
  const unknown = names.find((name) => !(name in known));
  if (unknown !== undefined) return failed(1, `sysctl: unknown oid '${unknown}'\n`);
  return printed(names.map((name) => `${bare ? "" : `${name}: `}${known[name] ?? ""}\n`).join(""));
}

/** Stand-in for `scutil --get`. */
export function scutil(argv: readonly string[]): Output {
  if (argv[0] !== "--get") return failed(64, "the stand-in knows scutil --get only\n");
  if (argv[1] === "HostName") return { code: 1, stdout: "HostName: not set\n", stderr: "" };
  return printed(`${hostname()}\n`);
}

/** Stand-in for `csrutil status`; man csrutil. */
export function csrutil(): Output {
  return printed("System Integrity Protection status: enabled.\n");
}

/** Stand-in for `sntp SERVER`: it asks nobody; the clock of the host is taken for right. */
export function sntp(argv: readonly string[]): Output {
  return printed(`+0.000000 +/- 0.010000 ${argv.at(-1) ?? "time.apple.com"} 127.0.0.1\n`);
}
