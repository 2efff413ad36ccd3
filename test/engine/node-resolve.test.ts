import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../node/protocol.ts";
import { IDENTITY_VARIABLES } from "../../node/launch/plan.ts";
import { credentialVariable } from "../../spec/index.ts";
import { freePort } from "../../sandbox/node/port.ts";
import { AwsStandIn } from "../stand-ins/aws.ts";
import { VaultStandIn } from "../stand-ins/vault.ts";
import { canary, GatewayBench } from "./gateway-fixture.ts";
import { errorOf, NodeBench, nodesCanRun, START_MS, valueOf } from "./node-fixture.ts";

// A start takes 10 to 20 s, so every test goes on where the one before it ended. The managers are stand-ins on loopback;
// node, systemd, OpenClaw and the launcher are real.
describe.skipIf(!(await nodesCanRun()))("a gateway whose node reads its keys", () => {
  let bench: NodeBench;
  let subject: GatewayBench;
  const vault = new VaultStandIn();
  const aws = new AwsStandIn();
  const values = { research: canary("vault"), builder: canary("aws") };
  const variables = { research: credentialVariable("research", "anthropic"), builder: credentialVariable("builder", "anthropic") }; // prettier-ignore
  const unit = "openclaw-gateway.service";

  beforeAll(async () => {
    await Promise.all([vault.start(), aws.start()]);
    vault.store.set("gw/research", [canary("former"), values.research]);
    aws.store.set("gw/builder", JSON.stringify({ key: values.builder }));
    bench = await NodeBench.start("test-node-resolve");
    subject = new GatewayBench(bench, await freePort("127.0.0.1"), {});
    subject.launch = {
      refs: { research: "vault://kv/gw/research#key", builder: "aws-sm://gw/builder#key" },
      identity: {
        vault: { address: vault.address, roleId: vault.roleId, secretId: "pulumi://vault" },
        aws: {
          region: "eu-central-1",
          endpoint: aws.endpoint,
          credentials: { accessKeyId: aws.accessKeyId, secretAccessKey: "pulumi://aws" },
        },
      },
      values: {
        [IDENTITY_VARIABLES.vaultSecretId]: vault.secretId,
        [IDENTITY_VARIABLES.awsSecretAccessKey]: aws.secretAccessKey,
      },
    };
    await subject.prepare();
  }, START_MS);
  afterAll(async () => {
    await bench.destroy();
    await Promise.all([vault.stop(), aws.stop()]);
  });

  const environment = async (pid: number): Promise<Record<string, string>> => {
    const text = await bench.output(`cat /proc/${pid}/environ`);
    return Object.fromEntries(text.split("\0").filter((entry) => entry !== "").map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)])); // prettier-ignore
  };
  const journal = async (): Promise<string> =>
    await bench.output(`journalctl --no-pager -o cat _UID=$(id -u ${subject.user}) | grep -a '^gatehouse: ' || true`);
  /** Every file of the node that holds the text, as root. */
  const filesWith = async (text: string): Promise<string[]> => {
    const found = await bench.output("grep -rlaF --devices=skip -f - /etc /home /opt/gatehouse /root /run /tmp /var || true", `${text}\n`); // prettier-ignore
    return found.split("\n").filter((line) => line !== "").sort(); // prettier-ignore
  };

  it("refuses a wrong reference before it stops anything, naming it", async () => {
    const { launch } = subject;
    if (launch === undefined) throw new Error("no launch");
    subject.launch = { ...launch, refs: { ...launch.refs, research: "vault://kv/gw/elsewhere#key" } };
    const error = errorOf("gateway", await bench.apply("gateway", subject.gateway()));
    subject.launch = launch;
    expect(error).toMatchObject({ layer: "provider credential", code: "credential-unresolved", exit: EXIT.refused });
    expect(error.message).toContain(`cannot resolve vault://kv/gw/elsewhere#key for ${variables.research}: not found`);
    expect(await subject.live()).toBe("");
    expect(await subject.generations()).toEqual([]);
  });

  it("passes its gate with the vendor's audit, and the process is OpenClaw itself, with the keys", async () => {
    await subject.switchOnly();
    const pid = await subject.pid();
    expect(await bench.output(`tr '\\0' ' ' < /proc/${pid}/cmdline`)).toMatch(/\/node --max-old-space-size=\d+ \S+\/openclaw\/dist\/index\.js gateway --port \d+$/); // prettier-ignore
    const seen = await environment(pid);
    expect(seen[variables.research]).toBe(values.research);
    expect(seen[variables.builder]).toBe(values.builder);
    for (const hidden of Object.values(IDENTITY_VARIABLES)) expect(Object.keys(seen)).not.toContain(hidden);
    expect(vault.openSessions).toBe(0);
  });

  it("confirms which versions the running process was given", async () => {
    const { launched } = valueOf(await bench.apply("verify", subject.verify()));
    expect(launched).toEqual([
      { variable: variables.research, reference: "vault://kv/gw/research#key", version: "2" },
      { variable: variables.builder, reference: "aws-sm://gw/builder#key", version: aws.version },
    ]);
    expect(await journal()).toContain(`gatehouse: ${variables.research} is vault://kv/gw/research#key version 2`);
  });

  it("has the keys in no file, and the node's identity in the two files for it", async () => {
    for (const value of Object.values(values)) expect(await filesWith(value)).toEqual([]);
    const { generation } = subject.gateway();
    const holders = [
      `${subject.home}/.gatehouse/generations/${generation}/gateway.env`,
      `${subject.home}/.openclaw/gateway.systemd.env`,
    ];
    for (const secret of [vault.secretId, aws.secretAccessKey]) expect(await filesWith(secret)).toEqual(holders);
    expect(await bench.output(`stat -c '%a %U' ${holders.join(" ")}`)).toBe(`600 ${subject.user}\n600 ${subject.user}`);
    const launch = await bench.output(`cd ${subject.home}/.config/gatehouse; stat -c '%n %a %U' *`);
    expect(launch).toBe(
      `launch.json 600 ${subject.user}\nlaunch.mjs 600 ${subject.user}\npolicy.jsonc 600 ${subject.user}`,
    );
  });

  it("serves on without its managers, starts nothing without them, and starts by itself when they are back", async () => {
    const before = await subject.pid();
    await vault.stop();
    expect(await subject.readyz()).toContain('"ready":true');
    expect(valueOf(await bench.apply("gateway", subject.gateway())).action).toBe("unchanged");
    expect(await subject.pid()).toBe(before);
    await subject.asUser(`systemctl --user restart ${unit}`);
    // the launcher gives up after its deadline and the unit tries again
    const exits = `journalctl --no-pager -o cat _UID=$(id -u ${subject.user}) | grep -ac 'status=75' || true`;
    await bench.output(`for _ in $(seq 240); do [ "$(${exits})" -ge 2 ] && exit 0; sleep 0.25; done; exit 1`);
    expect(await journal()).toContain(`cannot resolve vault://kv/gw/research#key for ${variables.research}: Vault at ${vault.address} gives no answer (ECONNREFUSED); fix: `); // prettier-ignore
    expect(await subject.readyz()).toBe("");
    await vault.start();
    await subject.untilReady();
    expect((await environment(await subject.pid()))[variables.research]).toBe(values.research);
  }, 180_000);

  it("stays down without another attempt when a person is needed", async () => {
    const versions = vault.store.get("gw/research") ?? [];
    vault.store.set("gw/research", []);
    await subject.asUser(`systemctl --user restart ${unit}`);
    const state = `systemctl --user show -P ActiveState -P ExecMainStatus -P NRestarts ${unit} | tr '\\n' ' '`;
    expect(await subject.asUser(`for _ in $(seq 240); do s=$(${state}); case $s in *failed*) break ;; esac; sleep 0.25; done; echo $s`)).toBe("0 78 failed"); // prettier-ignore
    expect(await journal()).toContain(`cannot resolve vault://kv/gw/research#key for ${variables.research}: denied: `);
    vault.store.set("gw/research", versions);
    expect(valueOf(await bench.apply("gateway", subject.gateway())).action).toBe("switched");
    valueOf(await bench.apply("verify", subject.verify()));
  }, 180_000);

  it("takes a new version at its next start, and gives way to delivered keys without leaving anything", async () => {
    const next = canary("next");
    vault.store.set("gw/research", [...(vault.store.get("gw/research") ?? []), next]);
    await subject.asUser(`systemctl --user restart ${unit}`);
    await subject.untilReady();
    expect((await environment(await subject.pid()))[variables.research]).toBe(next);
    expect(await journal()).toContain("vault://kv/gw/research#key version 3");
    subject.launch = undefined;
    Object.assign(subject.keys, { research: canary("research"), builder: canary("builder") });
    await subject.stageAgents();
    await subject.switchOnly();
    await subject.confirm();
    expect(await bench.output(`ls ${subject.home}/.config/gatehouse ${subject.home}/.openclaw/gatehouse-launch.json 2>/dev/null || true`)).toBe(`${subject.home}/.config/gatehouse:\npolicy.jsonc`); // prettier-ignore
    expect((await environment(await subject.pid()))[variables.research]).toBe(subject.keys["research"]);
  }, 180_000);
});
