import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyProblem } from "../../demo/key-problem.ts";
import { agentTurn } from "../../demo/turn.ts";
import type { Diagnosis } from "../../operations/diagnose/diagnose.ts";
import type { Drift } from "../../operations/drift/drift.ts";
import { screenLogin } from "../../sandbox/macos/index.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const STACK = "mac-login";
const USER = "jo";
const HOME = `/Users/${USER}`;
const LABEL = "org.gatehouse.login-gateway.team-a";
const PLIST = `${HOME}/Library/LaunchAgents/${LABEL}.plist`;
const KEYS = { "team-a-research": canaryKey() };

/** What is shown here holds for the stand-in: a session at the screen is a domain of its launchd, without a screen. */
describe.skipIf(!(await nodesCanRun()))("a gateway that starts at a login, on the stand-in for a Mac", () => {
  let bench: FleetBench;
  let uid: string;
  beforeAll(async () => {
    bench = await FleetBench.startMacosStandIn("test-mac-login", KEYS);
    Object.assign(bench.secrets, KEYS);
    await bench.output(`sysadminctl -addUser ${USER} -home ${HOME} -password -`);
    uid = await bench.output(`id -u ${USER}`);
  }, START_MS);
  afterAll(() => bench.stop());

  const fleet = () => bench.fleet([bench.gateway("team-a", 0, ["research"], { user: USER, startsAt: "login" })]);
  const answers = (): Promise<void> =>
    bench.until(`curl -sf -m 5 http://127.0.0.1:${bench.gateway("team-a", 0, []).port}/readyz`);
  const job = (): Promise<string> => bench.output(`launchctl print gui/${uid}/${LABEL}`);
  const gatehouse = (command: string, ...args: readonly string[]) =>
    new Promise<{ readonly status: number; readonly stdout: string }>((resolve) => {
      const all = ["bin/gatehouse", command, "--stack", STACK, "--state-dir", bench.stateDir, "--json", ...args];
      execFile("sh", all, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => {
        resolve({ status: error === null ? 0 : Number(error.code), stdout });
      });
    });
  const diagnosed = async () => JSON.parse((await gatehouse("diagnose", "team-a")).stdout) as Diagnosis;
  const turn = async (): Promise<void> => {
    const before = bench.provider.records().length;
    expect(await agentTurn(bench.node, { user: USER, platform: "macos" }, "research")).toMatchObject({ ok: true });
    expect(keyProblem("team-a-research", bench.provider.records().slice(before), [])).toBeUndefined();
  };
  /** Everything of a gateway's that launchd would start, and its state. */
  const traces = (): Promise<string> =>
    bench.output(`find ${HOME}/Library/LaunchAgents ${HOME}/.gatehouse/generations ${HOME}/.openclaw/openclaw.json -type f 2>/dev/null; ls /Library/LaunchDaemons /var/lib/gatehouse/units 2>/dev/null | grep team-a; launchctl list | grep gatehouse; true`); // prettier-ignore

  it("is refused by the policies, until somebody answers for it", async () => {
    const { failures } = await bench.failedUp(STACK, fleet());
    expect(failures.map(({ code, message }) => `${code} ${message.slice(0, 5)}`)).toEqual(["policy GH202", "policy GH601"]); // prettier-ignore
    const exceptions = [{ resource: "team-a", owner: "jo@example.com", reason: "a test", expires: "2099-12-31" }];
    bench.policyConfig = join(bench.directory, "policies.json");
    await writeFile(bench.policyConfig, JSON.stringify({ GH202: { exceptions }, GH601: { exceptions } }));
  });

  it("is refused while nobody is logged in at the screen, and nothing of it is there", async () => {
    const error = await bench.failedUp(STACK, fleet());
    expect(error.failures).toContainEqual(
      expect.objectContaining({
        layer: "host",
        code: "no-session",
        message: expect.stringContaining(`as ${USER}`) as string,
        fix: expect.stringMatching(/log in at the screen/) as string,
      }),
    );
    expect(await traces()).toBe("");
  });

  it("runs in its user's session once somebody has logged in, and nowhere else", async () => {
    await screenLogin(bench.node, USER);
    const { outputs } = await bench.up(STACK, fleet());
    expect(outputs.nodes["box-1"]?.gateways["team-a"]).toMatchObject({ unit: LABEL, unitState: "active (running)" });
    expect(await job()).toMatch(/^\ttype = LaunchAgent\n[^]*^\tdomain = gui\/\d+ \[/m);
    expect(await bench.output(`ps -o user= -p $(launchctl print gui/${uid}/${LABEL} | sed -n 's/^.pid = //p')`)).toBe(
      USER,
    );
    expect(await bench.output(`stat -f '%Lp %Su' ${PLIST}`)).toBe(`600 ${USER}`);
    expect(await bench.output("launchctl list | grep -E 'gatehouse.(login-)?gateway' || true; ls /Library/LaunchDaemons | grep -E 'gatehouse.(login-)?gateway' || true")).toBe(""); // prettier-ignore
    await turn();
    const found = await gatehouse("drift");
    expect(JSON.parse(found.stdout) as Drift, found.stdout).toMatchObject({ verdict: "none" });
    const audited = await gatehouse("audit", "--policy-config", bench.policyConfig ?? "");
    expect(JSON.parse(audited.stdout), audited.stdout).toMatchObject({
      verdict: "clean",
      violations: [],
      failures: [],
    });
    expect(await diagnosed()).toMatchObject({ verdict: "healthy" });
    expect((await bench.up(STACK, fleet())).changes).not.toHaveProperty("update");
  });

  it("is down after a boot until somebody logs in, which a diagnosis says", async () => {
    await bench.node.reboot();
    expect(await diagnosed()).toMatchObject({
      verdict: "host",
      code: "no-session",
      firstCommand: `sudo launchctl print gui/$(id -u ${USER})/${LABEL}`,
      nextStep: expect.stringContaining(`log in at the screen as ${USER}`) as string,
    });
    await screenLogin(bench.node, USER);
    await answers();
    await turn();
    expect(await diagnosed()).toMatchObject({ verdict: "healthy" });
  });

  it("goes, and its user stays with all that is that user's own", async () => {
    await bench.output(`sudo -u ${USER} touch ${HOME}/letter`);
    await (await bench.open(STACK, fleet())).destroy();
    expect(await traces()).toBe("");
    expect((await bench.node.exec(`launchctl print gui/${uid}/${LABEL}`)).code).toBe(113);
    expect(await bench.output(`dscl . -read ${HOME} UserShell; ls ${HOME}/letter; launchctl print gui/${uid} | head -1`)).toBe(`UserShell: /bin/zsh\n${HOME}/letter\ngui/${uid} = {`); // prettier-ignore
  });
});
