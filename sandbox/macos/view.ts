import { PATHS } from "./paths.ts";

/** What a Debian program takes and its namesake on macOS does not; a call with it fails as BSD's getopt does. */
interface Foreign {
  /** Letters of one-letter options. */
  readonly letters?: string;
  /** Whole words. */
  readonly words?: readonly string[];
  /** GNU's long options exist there too. */
  readonly longOptions?: true;
  /** What follows the first word that is no option is a command of its own. */
  readonly runsCommand?: true;
}

const BSD: Foreign = {};
const LONG: Foreign = { longOptions: true };

/** Programs of Debian that stand for their namesakes. Source of the folders and options: the man pages of macOS 26. */
const BORROWED: Readonly<Record<string, Readonly<Record<string, Foreign>>>> = {
  "bin": {
    "[": LONG, bash: LONG, cat: BSD, cp: { letters: "TtubdxZ" }, dash: LONG, dd: BSD, df: { letters: "Bx", words: ["-T"] },
    echo: LONG, expr: LONG, hostname: BSD, kill: LONG, link: BSD, ln: { letters: "Ttr" }, mkdir: { letters: "Z" },
    mv: { letters: "TtubZ" }, pwd: BSD, realpath: { letters: "emsz" }, rm: BSD, rmdir: BSD, sleep: BSD,
    stty: BSD, test: LONG, unlink: BSD,
  },
  "sbin": { mount: BSD, umount: BSD, nologin: BSD },
  "usr/bin": {
    basename: BSD, cksum: BSD, cmp: BSD, comm: BSD, curl: LONG, cut: BSD, diff: LONG, dirname: BSD, du: { letters: "bB" },
    egrep: LONG, env: { runsCommand: true }, expand: BSD, false: LONG, fgrep: LONG, fold: BSD, getconf: LONG, grep: { letters: "P", longOptions: true },
    gunzip: LONG, gzip: LONG, head: BSD, iconv: LONG, id: { letters: "Zz" }, join: BSD, logname: BSD, mkfifo: BSD, mktemp: { letters: "p" },
    nice: LONG, nl: BSD, nohup: LONG, od: BSD, openssl: LONG, paste: BSD, perl: LONG, pgrep: BSD, pkill: BSD, printenv: BSD,
    printf: LONG, readlink: { letters: "em" }, scp: LONG, shasum: LONG, sort: LONG, split: BSD, ssh: LONG, "ssh-keygen": LONG,
    sudo: LONG, tail: BSD, tar: LONG, tee: BSD, touch: BSD, tr: BSD, true: LONG, tty: BSD, uniq: BSD, uptime: BSD, users: BSD,
    wc: BSD, who: BSD, whoami: BSD, xargs: { letters: "da", runsCommand: true }, yes: LONG, zcat: LONG,
    chgrp: BSD, install: { letters: "DtTZ" },
    find: { longOptions: true, words: ["-printf", "-fprintf", "-regextype", "-readable", "-writable", "-executable"] },
  },
  "usr/sbin": { chown: BSD, chroot: LONG, sshd: LONG, visudo: LONG },
}; // prettier-ignore

/** Debian's name where it is another one. */
const REAL_NAMES: Readonly<Record<string, string>> = { awk: "mawk", which: "which.debianutils", sh: "dash" };
const RENAMED: Readonly<Record<string, readonly string[]>> = { bin: ["sh"], "usr/bin": ["awk", "which"] };
const IN_SBIN = new Set(["chroot", "sshd", "visudo", "nologin"]);

/** Programs of the stand-in itself, in programs/main.ts. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  bin: ["chmod", "date", "launchctl", "ls", "ps"],
  sbin: ["halt", "md5", "reboot", "shutdown"],
  "usr/bin": [
    ...["codesign", "csrutil", "defaults", "dscl", "dsmemberutil", "fdesetup", "log", "plutil", "pmset"],
    ...["security", "sed", "sntp", "stat", "sw_vers", "uname", "xattr"],
  ],
  "usr/sbin": [
    ...["createhomedir", "dseditgroup", "ioreg", "lsof", "newsyslog", "scutil", "softwareupdate", "spctl"],
    ...["sysadminctl", "sysctl", "systemsetup"],
  ],
};

/** Shell text where a whole program would be too much. */
const SCRIPTS: Readonly<Record<string, string>> = {
  // sync(8) of macOS takes no argument; the host is not held up with more than this file system
  "bin/sync": `exec ${PATHS.linux}/bin/sync -f /`,
  // man caffeinate: with a command it ends with that
  "usr/bin/caffeinate":
    'while getopts disumt:w: _; do :; done\nshift $((OPTIND - 1))\nif [ "$#" -gt 0 ]; then exec "$@"; fi',
  // man lockf: 75 when the lock is held; -s silent, -k keep the file, -t seconds to wait
  "usr/bin/lockf": [
    "wait=-1",
    "while getopts knst: option; do case $option in t) wait=$OPTARG ;; esac; done",
    "shift $((OPTIND - 1))",
    `if [ "$wait" -lt 0 ]; then exec ${PATHS.linux}/bin/flock "$@"; fi`,
    `exec ${PATHS.linux}/bin/flock -E 75 -w "$wait" "$@"`,
  ].join("\n"),
};

const INTERPRETER = `#!${PATHS.linux}/bin/dash\n`;

/** An entry of a folder of programs: a link to Debian's program, or the text of a script. */
export type Entry = { readonly path: string } & ({ readonly link: string } | { readonly script: string });

function guard(name: string, target: string, foreign: Foreign): string {
  const refuse = (what: string): string => `echo "${name}: illegal option -- ${what}" >&2; exit 64`;
  const cases = [
    "    --) break ;;",
    ...(foreign.runsCommand === true ? ["    [!-]*) break ;;"] : []),
    ...(foreign.longOptions === true ? [] : [`    --?*) ${refuse("-")} ;;`]),
    ...(foreign.words ?? []).map((word) => `    ${word}) ${refuse(word.slice(1))} ;;`),
    ...Array.from(foreign.letters ?? "").map((letter) => `    -*${letter}*) ${refuse(letter)} ;;`),
  ];
  return `# ${name} of Debian without what macOS does not have\nfor word; do\n  case $word in\n${cases.join("\n")}\n  esac\ndone\nexec ${target} "$@"`; // prettier-ignore
}

function borrowed(): Entry[] {
  return Object.entries(BORROWED).flatMap(([folder, programs]) =>
    Object.entries(programs).map(([name, foreign]) => {
      const target = `${PATHS.linux}/${IN_SBIN.has(name) ? "sbin" : "bin"}/${name}`;
      const path = `${folder}/${name}`;
      const free = foreign.longOptions === true && foreign.letters === undefined && foreign.words === undefined;
      return free ? { path, link: target } : { path, script: INTERPRETER + guard(name, target, foreign) };
    }),
  );
}

/**
 * Everything in /bin, /sbin, /usr/bin and /usr/sbin of the stand-in, and nothing else is there: a call of a program that
 * macOS does not have (systemctl, useradd, getent, setfacl, ip, ss, timeout, flock, …) fails.
 */
export function programEntries(): Entry[] {
  const renamed = Object.entries(RENAMED).flatMap(([folder, names]) =>
    names.map((name) => ({ path: `${folder}/${name}`, link: `${PATHS.linux}/bin/${REAL_NAMES[name] ?? name}` })),
  );
  const own = Object.entries(OWN).flatMap(([folder, names]) =>
    names.map((name) => ({
      path: `${folder}/${name}`,
      script: `${INTERPRETER}# stand-in of Gatehouse's tests\nexec ${PATHS.node} ${PATHS.programs} ${name} "$@"`,
    })),
  );
  const scripts = Object.entries(SCRIPTS).map(([path, text]) => ({ path, script: INTERPRETER + text }));
  return [...borrowed(), ...renamed, ...own, ...scripts];
}
