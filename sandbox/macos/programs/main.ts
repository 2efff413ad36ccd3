import { Daemon } from "../launchd/daemon.ts";
import { askLaunchd } from "../launchd/client.ts";
import { chmod, ls } from "./access.ts";
import { createhomedir } from "./createhomedir.ts";
import { defaults } from "./defaults.ts";
import { dscl } from "./dscl.ts";
import { dseditgroup } from "./dseditgroup.ts";
import { dsmemberutil } from "./dsmemberutil.ts";
import { log, newsyslog } from "./logs.ts";
import { lsof } from "./lsof.ts";
import { csrutil, ioreg, scutil, sntp, swVers, sysctl, uname } from "./machine.ts";
import type { Program } from "./output.ts";
import { plutil } from "./plutil.ts";
import { ps } from "./ps.ts";
import { fdesetup, pmset, softwareupdate, systemsetup } from "./power.ts";
import { security } from "./security.ts";
import { stat } from "./stat.ts";
import { sysadminctl } from "./sysadminctl.ts";
import { date, md5, sed } from "./text.ts";
import { codesign, spctl, xattr } from "./trust.ts";

/** Every program of the stand-in is this one file, called with its name first. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  launchctl: askLaunchd,
  shutdown: (argv) => askLaunchd(["reboot", argv[0] === "-h" ? "halt" : "reboot"]),
  reboot: () => askLaunchd(["reboot", "reboot"]),
  // no program of a Mac: what somebody does at the login window
  "screen-login": (argv) => askLaunchd(["screen-login", ...argv]),
  halt: () => askLaunchd(["reboot", "halt"]),
  chmod,
  codesign,
  createhomedir,
  csrutil,
  date,
  defaults,
  dscl,
  dseditgroup,
  dsmemberutil,
  fdesetup,
  ioreg,
  log,
  ls,
  lsof,
  md5,
  newsyslog,
  plutil,
  pmset,
  ps,
  scutil,
  security,
  sed,
  sntp,
  softwareupdate,
  spctl,
  stat,
  sw_vers: swVers,
  sysadminctl,
  sysctl,
  systemsetup,
  uname,
  xattr,
};

const [name = "", ...argv] = process.argv.slice(2);
if (name === "launchd") {
  new Daemon().start();
} else {
  const program = PROGRAMS[name];
  if (program === undefined) throw new Error(`the stand-in has no ${name}`);
  const { code, stdout, stderr } = await program(argv);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = code;
}
