import { Manager } from "./manager.ts";

export type DomainName = "system" | `gui/${number}`;

/** A session at the screen; source: `asid` and the domain's line in captures of agents (facts/macos.md 1.4). */
export interface Session {
  readonly uid: number;
  /** Of its audit session. */
  readonly asid: number;
}

/** The machine's own domain, or that of a session at the screen. */
export interface Domain {
  readonly name: DomainName;
  readonly manager: Manager;
  /** Of a session. */
  readonly session?: Session;
}

const FIRST_ASID = 100_020;

/** Stand-in for launchd's domains: `system` from the boot on, `gui/UID` from that user's login on. */
export class Domains {
  readonly system: Domain;
  readonly #sessions = new Map<string, Domain>();

  constructor(system: Manager) {
    this.system = { name: "system", manager: system };
  }

  find(name: string): Domain | undefined {
    return name === "system" ? this.system : this.#sessions.get(name);
  }

  all(): readonly Domain[] {
    return [this.system, ...this.#sessions.values()];
  }

  /** Somebody logs in at the screen; undefined when that user is there already. */
  login(uid: number, overrides: ReadonlyMap<string, boolean>): Domain | undefined {
    const name = `gui/${uid}` as const;
    if (this.#sessions.has(name)) return undefined;
    const session = { uid, asid: FIRST_ASID + this.#sessions.size };
    const domain = { name, manager: new Manager(overrides, name), session };
    this.#sessions.set(name, domain);
    return domain;
  }
}
