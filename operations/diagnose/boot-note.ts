import type { BootFacts } from "../../node/platform/index.ts";

interface Words {
  readonly name: string;
  /** The value that stands in the way of a boot that nobody attends, and what it means. */
  readonly bad: boolean;
  readonly means: string;
}

const WORDS: Readonly<Record<keyof BootFacts, Words>> = {
  fileVault: {
    name: "FileVault",
    bad: true,
    means: "after a power cut nothing starts until somebody unlocks the disk with a password",
  },
  automaticLogin: { name: "automatic login", bad: true, means: "needed by a gateway with `startsAt: login` alone" },
  networkTime: { name: "network time", bad: false, means: "the clock follows no time server" },
  updatesRestart: { name: "restarts for updates", bad: true, means: "the machine restarts when the system likes" },
};

const NAMES = Object.keys(WORDS) as (keyof BootFacts)[];

/** What decides whether gateways come back after a boot that nobody attends: told, never judged. Pure. */
export function bootNote(facts: BootFacts): string {
  const parts = NAMES.flatMap((fact) => {
    const value = facts[fact];
    if (value === undefined) return [];
    const { name, bad, means } = WORDS[fact];
    if (value === null) return [`${name} could not be found out`];
    return [`${name} ${value ? "on" : "off"}${value === bad ? ` (${means})` : ""}`];
  });
  return parts.length === 0 ? "nothing is known" : parts.join(", ");
}
