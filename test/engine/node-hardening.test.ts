import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canary, GatewayBench } from "./gateway-fixture.ts";
import { i386Program, PERMITTED, PROBES, UNTRIED, type Probe } from "./hardening-probes.ts";
import { NodeBench, nodesCanRun, START_MS, valueOf } from "./node-fixture.ts";

/** Lines of the rendered unit that say how the gateway is started, not what it may do. */
const START = /^(ExecStart|Restart|RestartSec|RestartPreventExitStatus|TimeoutStartSec|EnvironmentFile)=/;

describe.skipIf(!(await nodesCanRun()))("the unit's fence", () => {
  let bench: NodeBench;
  let subject: GatewayBench;
  beforeAll(async () => {
    bench = await NodeBench.start("test-hardening");
    subject = new GatewayBench(bench, 22_222, { research: canary("research") });
    valueOf(await bench.bootstrap());
    valueOf(await bench.apply("account", subject.account));
    await subject.stageAgents();
    await bench.output(
      `install -d -m 0755 /opt/probe /usr/lib/modules; install -m 4755 /usr/bin/id /opt/probe/setuid-id
       base64 -d > /opt/probe/i386; chmod 0755 /opt/probe/i386`,
      i386Program().toString("base64"),
    );
  }, START_MS);
  afterAll(() => bench.destroy());

  const directivesOf = (unit: string): string[] => unit.split("\n").flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []);

  /** What a script prints in the unit's place, without some of the unit's directives. */
  async function run(script: string, { unit, without = [] }: { unit: string; without?: readonly string[] }) {
    const lines = unit.split("\n").filter((line) => !START.test(line) && !without.includes(line.split("=")[0] ?? ""));
    const output = `${subject.home}/workspaces/output`;
    const service = `[Service]\nType=oneshot\nExecStart=/bin/sh /opt/probe/script\nStandardOutput=truncate:${output}\nStandardError=inherit`;
    const asUser = `setpriv --reuid ${subject.user} --regid ${subject.user} --clear-groups env XDG_RUNTIME_DIR=/run/user/$(id -u ${subject.user})`;
    return await bench.output(
      "sh -s",
      [
        "cat > /opt/probe/script <<'END_OF_SCRIPT'",
        `export LC_ALL=C\n${script}\nEND_OF_SCRIPT`,
        `cat > ${subject.home}/.config/systemd/user/probe.service <<'END_OF_UNIT'`,
        `${lines.join("\n").replace("[Service]", service)}\nEND_OF_UNIT`,
        `rm -f ${output}`,
        `${asUser} systemctl --user daemon-reload`,
        `${asUser} systemctl --user start probe.service 2>/dev/null`,
        `cat ${output}\n`,
      ].join("\n"),
    );
  }
  const full = (): string => subject.gateway().files.unit;
  const fallback = (): string => subject.gateway().files.unitWithoutNamespaces;

  it.each(PROBES)("does not let the gateway $what", async (probe: Probe) => {
    const { script, directives, beside = [], forbidden, otherwise, uncontrolled } = probe;
    expect(await run(script, { unit: full(), without: beside })).toMatch(forbidden);
    if (uncontrolled !== undefined) process.stderr.write(`no control for '${probe.what}': ${uncontrolled}\n`);
    else expect(await run(script, { unit: full(), without: [...beside, ...directives] }), "control").toMatch(otherwise);
  });

  const everywhere = PROBES.filter((probe) => probe.everywhere);
  it.each(everywhere)(
    "does not let the gateway $what without user namespaces either",
    async ({ script, forbidden }) => {
      expect(await run(script, { unit: fallback() })).toMatch(forbidden);
    },
  );

  it.each(PERMITTED)("lets the gateway $what", async ({ script, without }) => {
    expect(await run(script, { unit: full() })).toBe("done");
    if (without !== undefined) expect(await run(script, { unit: full(), without: [without] })).not.toBe("done");
  });

  it.each(UNTRIED)("cannot show $directive on this node", async ({ directive, reason, script }) => {
    process.stderr.write(`${directive} was not tried: ${reason}\n`);
    expect(await run(script, { unit: "[Service]" }), "a node that can: write the probe").toBe("errno 1");
  });

  it("is made of nothing that no probe has tried", () => {
    const hardening = full().slice(full().indexOf("PrivateUsers="));
    const tried = [
      ...PROBES.flatMap(({ directives }) => directives),
      ...PERMITTED.map(({ without }) => without),
      ...UNTRIED.map(({ directive }) => directive),
    ];
    expect(directivesOf(hardening).filter((directive) => !tried.includes(directive))).toEqual(["WantedBy"]);
  });
});
