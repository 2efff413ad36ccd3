import { Findings, keysAt, read } from "../read.ts";
import { NODE } from "../resource.ts";
import { defineRule } from "../rule.ts";

interface Fact {
  readonly question: string;
  readonly bad: boolean;
  readonly says: string;
}

/** By their names in what the on-node program tells. */
const FACTS: Readonly<Record<string, Fact>> = {
  fileVault: {
    question: "whether FileVault is on",
    bad: true,
    says: "FileVault is on: after a power cut nothing starts until somebody unlocks the disk, from macOS 26 on over SSH with a password, never with a key",
  },
  automaticLogin: {
    question: "whether somebody is logged in automatically",
    bad: true,
    says: "somebody is logged in automatically: only a gateway with `startsAt: login` needs it, and the password lies on the disk, hidden from nobody who reads it",
  },
  networkTime: {
    question: "whether the clock follows a time server",
    bad: false,
    says: "the clock follows no time server: certificates and signatures go wrong with it",
  },
  updatesRestart: {
    question: "whether updates restart the machine by themselves",
    bad: true,
    says: "updates restart the machine by themselves: every gateway stops when the system likes",
  },
};

export const gh603 = defineRule({
  id: "GH603",
  title: "A machine that comes back by itself after a boot that nobody attends",
  severity: "advisory",
  reads: "`boot` of every `GatewayNode`, which only `gatehouse audit` has: a preview contacts no machine and is silent",
  why: "Gateways start at boot without a login, if the machine gets that far and nobody restarts it meanwhile. Gatehouse changes none of these but `AutomaticallyInstallMacOSUpdates` of an `alwaysOn` Mac: disk encryption and updates are the owner's decisions. What could not be found out counts as a problem.",
  source:
    "fdesetup(8), apple_ssh_and_filevault(7), systemsetup(8), softwareupdate(8); timedatectl(1), unattended-upgrades",
  fix: "decide it on the machine (docs/macos-first-node.md, docs/decisions/0029), and except a machine whose owner has decided otherwise, with who unlocks it as the reason",
  only: NODE,
  parameters: {},
  check: ({ type, props }) => {
    if (type !== NODE || read(props, "boot").state === "missing") return [];
    const found = new Findings(props);
    found.need("boot");
    for (const name of keysAt(props, "boot")) {
      const fact = FACTS[name];
      if (fact === undefined) continue;
      const reading = read(props, "boot", name);
      if (reading.state !== "known") found.add(`${fact.question} could not be found out`);
      else if (reading.value === fact.bad) found.add(fact.says);
    }
    return found.problems;
  },
});
