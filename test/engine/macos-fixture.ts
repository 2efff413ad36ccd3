import { build, type PlistValue } from "plist";
import { expect } from "vitest";
import type { TestNode } from "../../sandbox/node/index.ts";
import { PATHS } from "../../sandbox/macos/index.ts";

/** Lines with one tab in front of `launchctl print`, as a reader should take them. */
export type JobFields = ReadonlyMap<string, string>;

/** Asks a stand-in for a Mac over SSH, as root. */
export class MacBench {
  readonly node: TestNode;

  constructor(node: TestNode) {
    this.node = node;
  }

  /** Stdout of a command line that has to succeed, without the last newline. */
  async output(command: string, stdin?: string | Buffer): Promise<string> {
    const result = await this.node.exec(command, stdin === undefined ? {} : { stdin });
    expect(result.stderr + String(result.code), command).toBe("0");
    return result.stdout.trimEnd();
  }

  async status(command: string): Promise<number> {
    return (await this.node.exec(command)).code;
  }

  /** Puts a property list where launchd takes it from, with the owner and mode it asks for. */
  async writeJob(label: string, keys: Readonly<Record<string, PlistValue>>): Promise<string> {
    const path = `/Library/LaunchDaemons/${label}.plist`;
    await this.output(
      `umask 022; cat >${path}; chown root:wheel ${path}; chmod 644 ${path}`,
      build({ Label: label, ...keys }),
    );
    return path;
  }

  async job(label: string): Promise<JobFields> {
    const text = await this.output(`launchctl print system/${label}`);
    return new Map([...text.matchAll(/^\t([^\t=]+) = (.*)$/gm)].map((match) => [match[1] ?? "", match[2] ?? ""]));
  }

  async pid(label: string): Promise<number> {
    return Number((await this.job(label)).get("pid") ?? 0);
  }

  /** Waits until a command line of the node succeeds. */
  async until(condition: string, seconds = 20): Promise<void> {
    await this.output(`for _ in $(perl -e 'print "1 " x ${seconds * 10}'); do { ${condition}; } >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1`); // prettier-ignore
  }

  async setFaults(faults: object): Promise<void> {
    await this.output(`cat >${PATHS.faults}`, JSON.stringify(faults));
  }
}
