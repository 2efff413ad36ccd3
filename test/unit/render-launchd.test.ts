import { parse } from "plist";
import { describe, expect, it } from "vitest";
import { LAUNCHD_KEYS, renderLaunchAgent, renderLaunchDaemon } from "../../render/index.ts";
import { expectGolden } from "./golden.ts";
import { gatewayWith, generationOf, layoutOf, RUNTIME } from "./render-fixture.ts";

const CANARY = "sk-ant-api03-canary-0123456789abcdef";

function onMac(subject: ReturnType<typeof gatewayWith>): ReturnType<typeof gatewayWith> {
  return { ...subject, node: { ...subject.node, platform: "macos" } };
}

const subject = onMac(gatewayWith());
const layout = layoutOf(subject);
const atLogin = onMac({ ...subject, gateway: { ...subject.gateway, startsAt: "login" } });
const variants = {
  daemon: renderLaunchDaemon(subject.gateway, layout, RUNTIME),
  "daemon-launcher": renderLaunchDaemon(subject.gateway, layout, RUNTIME, "launcher"),
  agent: renderLaunchAgent(atLogin.gateway, layoutOf(atLogin), RUNTIME),
};
type Job = Readonly<Record<string, unknown>> & {
  readonly ProgramArguments: readonly string[];
  readonly EnvironmentVariables: Readonly<Record<string, string>>;
};
const jobOf = (plist: string): Job => parse(plist) as unknown as Job;

describe.each(Object.entries(variants))("the property list of a %s", (name, plist) => {
  const job = jobOf(plist);

  it("is golden", () => {
    expectGolden(`macos/org.gatehouse.gateway.team-a.${name}.plist`, plist);
  });
  it("has no key without a reason", () => {
    expect(Object.keys(job).filter((key) => !Object.hasOwn(LAUNCHD_KEYS, key))).toEqual([]);
    for (const why of Object.values(LAUNCHD_KEYS)) expect(why.length).toBeGreaterThan(10);
  });
  it("says how long a stop may take, never leaving it to launchd's five seconds", () => {
    expect(job["ExitTimeOut"]).toBe(330);
  });
  it("has a umask that launchd, which reads decimals, takes for 077", () => {
    expect(plist).toContain("<integer>63</integer>");
    expect(job["Umask"]).toBe(0o077);
  });
  it("leaves repair and update of the service to us", () => {
    expect(job.EnvironmentVariables).toMatchObject({
      OPENCLAW_SERVICE_REPAIR_POLICY: "external",
      OPENCLAW_SUPERVISOR_MODE: "external",
      OPENCLAW_NO_AUTO_UPDATE: "1",
    });
    expect(job["Label"]).not.toBe("ai.openclaw.gateway");
  });
  it("expands nothing: no path has a ~ or a variable", () => {
    const texts = [...job.ProgramArguments, ...Object.values(job.EnvironmentVariables)];
    expect(texts.filter((text) => /[~$]/.test(text))).toEqual([]);
    expect(job.ProgramArguments.filter((text) => text.startsWith("/"))).not.toHaveLength(0);
  });
  it("starts the pinned Node through the wrapper that reads the secrets", () => {
    expect(job.ProgramArguments.slice(0, 3)).toEqual(["/bin/sh", layout.envWrapper, layout.envFile]);
    expect(job.ProgramArguments.slice(-6)).toEqual([
      RUNTIME.nodePath,
      `--max-old-space-size=${subject.gateway.heapMebibytes}`,
      expect.stringMatching(/dist\/index\.js$/) as string,
      "gateway",
      "--port",
      String(subject.gateway.port),
    ]);
    expect(job.ProgramArguments.includes(layout.launcherPath)).toBe(name === "daemon-launcher");
  });
});

describe("a daemon", () => {
  it("runs as the gateway's user with its own group, an agent as whoever logged in", () => {
    expect(jobOf(variants.daemon)).toMatchObject({ UserName: subject.gateway.user, GroupName: subject.gateway.user });
    expect(Object.keys(jobOf(variants.agent))).not.toContain("UserName");
  });
  it("is for the whole machine: two gateways have two labels", () => {
    const other = layoutOf(onMac(gatewayWith((gateway) => ({ ...gateway, name: "team-b" }))));
    expect(other.unitName).not.toBe(layout.unitName);
    expect(other.unitPath).not.toBe(layout.unitPath);
  });
  it("quotes what XML would read as its own", () => {
    const awkward = { ...layout, home: "/Users/a&b<c>" };
    const job = jobOf(renderLaunchDaemon(subject.gateway, awkward, RUNTIME));
    expect(job.EnvironmentVariables["HOME"]).toBe("/Users/a&b<c>");
  });
});

describe("an agent", () => {
  it("is for its user's sessions at the screen, and logs where root rotates", () => {
    expect(jobOf(variants.agent)).toMatchObject({
      Label: "org.gatehouse.login-gateway.team-a",
      LimitLoadToSessionType: "Aqua",
      StandardOutPath: "/var/log/gatehouse/team-a.log",
    });
    expect(layoutOf(atLogin).unitPath).toBe(
      `${layout.home}/Library/LaunchAgents/org.gatehouse.login-gateway.team-a.plist`,
    );
    expect(layoutOf(atLogin).envFile).toBe(layout.envFile);
  });
  it("is what a generation with that start holds, which is another one than at boot", () => {
    const [boot, login] = [generationOf(subject), generationOf(atLogin)];
    expect(login.files.unit).toBe(variants.agent);
    expect(login.unit).toBe("org.gatehouse.login-gateway.team-a");
    expect(boot.files.unit).toBe(variants.daemon);
    expect(login.generation).not.toBe(boot.generation);
  });
});

describe("a generation for macOS", () => {
  it("holds no secret, in clear or by its first characters", () => {
    const { files } = generationOf(subject, { value: (slot) => `${CANARY}-${slot}` });
    const all = Object.values(files).join("\n");
    expect(files.unit).toContain("org.gatehouse.gateway.team-a");
    expect(all).not.toContain(CANARY);
    expect(all).not.toContain(CANARY.slice(0, 12));
    for (const plist of Object.values(variants)) {
      for (const name of Object.keys(jobOf(plist).EnvironmentVariables))
        expect(name).not.toMatch(/(?:KEY|TOKEN|SECRET|PASSWORD)$/);
    }
  });
  it("is another one than for Linux, and the same bytes each time", () => {
    const [first, again, linux] = [generationOf(subject), generationOf(subject), generationOf(gatewayWith())];
    expect(first).toEqual(again);
    expect(first.generation).not.toBe(linux.generation);
    expect(first.files.unitWithoutNamespaces).toBe(first.files.unit);
  });
});
