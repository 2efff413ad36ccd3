import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { currentPlatform, PLATFORM_VARIABLE } from "../../node/platform/index.ts";
import { EXIT } from "../../node/protocol.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the platform object", () => {
  it("is the one that the wrapper names, and the running system's without it", () => {
    vi.stubEnv(PLATFORM_VARIABLE, "linux");
    expect(currentPlatform().name).toBe("linux");
    vi.stubEnv(PLATFORM_VARIABLE, undefined);
    expect(currentPlatform().name).toBe(process.platform);
  });
  it.each(["sunos", "", "constructor", "Linux"])("is nothing else: %j is refused", (name) => {
    vi.stubEnv(PLATFORM_VARIABLE, name);
    expect(currentPlatform).toThrow(expect.objectContaining({ code: "platform", exit: EXIT.unavailable }));
  });

  /** A command or a place of one operating system, as a string of the program. */
  const ONE_SYSTEM =
    /["'`](?:systemctl|journalctl|loginctl|systemd-run|runuser|setfacl|useradd|usermod|userdel|getent|launchctl|dscl|pmset|ioreg|lsof)\b|["'`]\/proc\/|process\.platform|os\.platform\(/;

  it("is the only place that knows one: no command of a system is called elsewhere", () => {
    const node = join(import.meta.dirname, "../../node");
    const sources = readdirSync(node, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !name.startsWith("platform/"),
    );
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.filter((name) => ONE_SYSTEM.test(readFileSync(join(node, name), "utf8")))).toEqual([]);
    expect(ONE_SYSTEM.test(readFileSync(join(node, "platform/linux/services.ts"), "utf8"))).toBe(true);
  });
});
