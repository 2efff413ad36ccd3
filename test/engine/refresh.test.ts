import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { searchDirectory } from "./canary-search.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";
import { OrdinaryPulumi, POLICIES } from "./ordinary-pulumi.ts";

const USER = "oc-live";
const HOME = `/home/${USER}`;
const UNIT = "openclaw-gateway.service";

interface Step {
  readonly op: string;
  readonly urn: string;
  readonly detailedDiff?: Readonly<Record<string, unknown>>;
}

interface Exported {
  readonly deployment: {
    readonly resources: readonly {
      readonly urn: string;
      readonly inputs?: object;
      readonly dependencies?: readonly string[];
    }[];
  };
}

// One gateway's life in order: every start takes 10 to 20 s.
describe.skipIf(!(await nodesCanRun()))("drift under the ordinary CLI", () => {
  const key = canaryKey();
  let bench: FleetBench;
  let pulumi: OrdinaryPulumi;
  let privateKey = "";
  const operator = (name = ""): string => join(bench.directory, "operator", name);

  beforeAll(async () => {
    bench = await FleetBench.start("test-refresh", { writer: key });
    await mkdir(operator());
    [, , , , privateKey = ""] = (await readFile(bench.node.ssh.identityFile, "utf8")).split("\n");
    pulumi = await OrdinaryPulumi.prepare(operator(), { PULUMI_CONFIG_PASSPHRASE: "test" });
    const config = { "gatehouse:fleet": bench.fleet([bench.gateway("live", 0, ["writer"])]) };
    await writeFile(join(pulumi.project, "Pulumi.live.yaml"), stringify({ config }));
    expect(await pulumi.run(["stack", "init", "live"])).toMatchObject({ status: 0 });
    expect(await pulumi.run(["config", "set", "--secret", "gatehouse:live-writer"], key)).toMatchObject({ status: 0 });
    await run("up", "--yes", "--policy-pack", POLICIES);
  }, START_MS);
  afterAll(() => bench.stop());

  let runs = 0;
  /** What a command that has to succeed printed; it is kept for the search. */
  async function run(...args: string[]): Promise<string> {
    const { status, output } = await pulumi.run(args);
    await writeFile(operator(`${(runs += 1)}.log`), output);
    expect(status, output).toBe(0);
    return output;
  }

  /** Names by operation; what stays is left out. */
  async function planned(...options: string[]): Promise<Readonly<Record<string, string>>> {
    const output = await run("preview", "--json", "--policy-pack", POLICIES, ...options);
    const { steps } = JSON.parse(output.slice(output.indexOf("{\n"), output.lastIndexOf("\n}") + 2)) as {
      steps: Step[];
    };
    const changed = steps.filter(({ op }) => !["same", "refresh", "read"].includes(op));
    return Object.fromEntries(changed.map(({ op, urn }) => [urn.split("::").at(-1) ?? "", op]));
  }

  async function loginsOf(action: () => Promise<unknown>): Promise<number> {
    const before = await bench.logins();
    await action();
    return (await bench.logins()) - before;
  }

  const asUser = (script: string): Promise<string> =>
    bench.output(`runuser -u ${USER} -- env XDG_RUNTIME_DIR=/run/user/$(id -u ${USER}) sh -c 'cd && ${script}'`);

  it("is none where nothing was touched: one login for the machine, one for the gateway", async () => {
    expect(
      await loginsOf(async () => {
        expect(await planned("--refresh")).toEqual({});
      }),
    ).toBe(2);
    const refreshed = await run("refresh", "--yes");
    // the stack's reference to itself reads what the last update left
    expect(refreshed).not.toMatch(/(Observation|Command) \S+ (updated|deleted)/);
    expect(
      await loginsOf(async () => {
        expect(await run("up", "--yes")).not.toMatch(/(Observation|Command) \S+ (updated|created)/);
      }),
    ).toBe(0);
  });

  it("needs two more resources in a stack from before, and no machine", async () => {
    const file = operator("exported.json");
    await run("stack", "export", "--file", file);
    const exported = JSON.parse(await readFile(file, "utf8")) as Exported;
    const isOurs = (urn: string): boolean => urn.includes("gatehouse-drift");
    const resources = exported.deployment.resources
      .filter(({ urn }) => !isOurs(urn))
      .map(({ dependencies, ...resource }) => ({
        ...resource,
        ...(dependencies && { dependencies: dependencies.filter((urn) => !isOurs(urn)) }),
        propertyDependencies: undefined,
      }));
    // with their provider, which must have been given no setting of the stack
    const [provider, ...more] = exported.deployment.resources.filter(({ urn }) => isOurs(urn));
    expect(more.length).toBe(2);
    expect(provider?.inputs ?? {}).toEqual({});
    await writeFile(file, JSON.stringify({ ...exported, deployment: { ...exported.deployment, resources } }));
    await run("stack", "import", "--file", file);
    const logins = await loginsOf(async () => {
      expect(await planned()).toEqual({ "box-1-observation": "create", "live-observation": "create" });
      expect(await run("up", "--yes")).toContain("2 created");
    });
    expect(logins).toBe(0);
    expect(await planned("--refresh")).toEqual({});
  });

  it("shows as a change with its kinds, mends it, and is gone", async () => {
    await asUser(`chmod 755 . && mkdir -p .config/systemd/user/${UNIT}.d &&
      printf "[Service]\\nEnvironment=X=1\\n" > .config/systemd/user/${UNIT}.d/x.conf &&
      sed -i "s/\\"port\\": *[0-9]*/\\"port\\": 1/" .openclaw/openclaw.json`);
    await bench.output("rm /etc/systemd/sleep.conf.d/50-gatehouse.conf");
    expect(
      await loginsOf(async () => {
        expect(await planned()).toEqual({});
      }),
    ).toBe(0);
    expect(await planned("--refresh")).toEqual({
      "box-1-observation": "update",
      "box-1-runtime": "update",
      "live-observation": "update",
      "live-gateway": "update",
      "live-verify": "update",
    });
    const shown = await run("preview", "--refresh", "--diff");
    process.stderr.write(shown);
    for (const kind of ["sleep", "mode", "configuration", "drop-in"]) expect(shown).toContain(`${kind}: /`);
    expect(shown).toContain(`mode: ${HOME} has mode 755, not 700 (the next update mends it, likely a hand)`);
    process.stderr.write(await run("preview", "--refresh"));
    process.stderr.write(await run("refresh", "--yes", "--diff"));
    const done = await run("up", "--yes", "--refresh");
    process.stderr.write(done);
    expect(await bench.output(`stat -c %a ${HOME}`)).toBe("700");
    expect(await planned("--refresh")).toEqual({});
    expect(await planned()).toEqual({});
  });

  it("runs the phases again that only they can mend", async () => {
    await asUser("rm .gatehouse/current/secrets-plan.json");
    expect(await planned("--refresh")).toEqual({
      "live-observation": "update",
      "live/writer-agent": "update",
      "live-gateway": "update",
      "live-verify": "update",
    });
    // found now, mended later
    expect(await run("refresh", "--yes", "--diff")).toContain("generation-damaged: ");
    expect(await run("up", "--yes")).toContain("4 updated");
    await asUser("test -f .gatehouse/current/secrets-plan.json");
    expect(await planned("--refresh")).toEqual({});
  });

  it("is said to be unknown, with what was known, where a machine gives no answer", async () => {
    await bench.output("echo DenyUsers ops > /etc/ssh/sshd_config.d/00-deny.conf && systemctl reload ssh");
    const refreshed = await run("refresh", "--yes", "--diff");
    expect(refreshed).toContain("unreachable: ");
    expect(refreshed).toContain("what was known of it stays");
    expect(await planned()).toEqual({ "box-1-observation": "update", "live-observation": "update" });
    // an update that can't look is no success
    const failed = await pulumi.run(["up", "--yes"]);
    expect(failed.status, failed.output).toBe(1);
    expect(failed.output).toContain("unable to authenticate");
    await bench.output("rm /etc/ssh/sshd_config.d/00-deny.conf && systemctl reload ssh");
    expect(await run("up", "--yes")).toContain("2 updated");
    expect(await planned("--refresh")).toEqual({});
  });

  it("leaves no secret in state, logs and what was shown", async () => {
    const markers = { key, "the operator's SSH key": privateKey };
    const { findings, looked } = await searchDirectory("operator", operator(), markers);
    expect(findings).toEqual([]);
    expect(Math.min(...Object.values(looked))).toBeGreaterThan(0);
  });
});
