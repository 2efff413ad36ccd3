import { execFile } from "node:child_process";
import { cp, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { agentTurn } from "../../demo/turn.ts";
import { writeBundle } from "../../operations/diagnose/bundle.ts";
import { diagnose, type Diagnosis } from "../../operations/diagnose/diagnose.ts";
import { diagnosisText } from "../../operations/diagnose/report.ts";
import { VERDICT_STATUS } from "../../operations/diagnose/table.ts";
import type { GatehouseStack } from "../../operations/stack.ts";
import { layout } from "../../sandbox/node/record.ts";
import { startProvider, type Provider } from "../../sandbox/provider/index.ts";
import { CORPUS, type FaultName } from "../diagnose-corpus.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");

const KEYS: Record<string, string> = {
  "team-a-research": canaryKey(),
  "team-a-builder": canaryKey(),
  "team-b-writer": canaryKey(),
};
/** Values that somebody plants: no more of them than the first and last four characters may come out either. */
const WRONG = "canaryOfTheWrongToken0123456789ABCDEFGHIJKLMNOPabcd";
const FOREIGN = canaryKey();

const NODE_20 = "20.19.5";
const UNIT = "openclaw-gateway.service";
const PINNED_NODE = "$(ls -d /opt/gatehouse/node/*/bin/node)";

/** What the issue asks of each step, as the text for people shows it. */
const STEPS = [
  ["time with zone, gateway, agent, operator, generation", /1 freeze: \S+T\S+[+-]\d\d:\d\d, gateway team-b of prod, every agent, asked by \S+@\S+, generation g-[0-9a-f]{16}; the node's clock/],
  ["unit, restarts, port, status, audit, doctor", /2 gateway: unit active \(running\) since \S+, 0 restarts; port own; status ok; unit audit ok; doctor --lint ok/],
  ["the token side by side", /OPENCLAW_GATEWAY_TOKEN \S+: process same, environment file same, unit missing; from environment file; fingerprint h1\.\S+ as expected/],
  ["the token in the configuration and the client", /token in openclaw\.json env:OPENCLAW_GATEWAY_TOKEN; the gateway's answer to it: accepted; this client: not looked at/],
  ["the disk", /3 disk: generation g-\w+, edited: nothing; config valid .*; 0 loose files; written after the start: nothing; drop-ins: none/],
  ["which source of a key won", /OPENCLAW_AGENT_WRITER_ANTHROPIC_KEY sk-a…\S{4}: .*key file same.*from key file; fingerprint h1\.\S+ as expected/],
  ["which profile takes which key", /profile anthropic:writer=ref\(file:/],
  ["who would run what", /5 identities: unit node 24\.\S+, serving node 24\./],
] as const; // prettier-ignore

type Gateway = "team-a" | "team-b";
const USER = { "team-a": "oc-team-a", "team-b": "oc-team-b" } as const;
/** Paths of both gateways' homes, by what they are. */
const of = (gateway: Gateway) => {
  const home = `/home/${USER[gateway]}`;
  const units = `${home}/.config/systemd/user`;
  return {
    ...{ home, manager: `systemctl --user --machine=${USER[gateway]}@` },
    ...{ config: `${home}/.openclaw/openclaw.json`, environment: `${home}/.openclaw/gateway.systemd.env` },
    ...{ dotenv: `${home}/.openclaw/.env`, keys: `${home}/.config/gatehouse/keys.json`, profile: `${home}/.profile` },
    ...{ dropIn: `${units}/${UNIT}.d/50-corpus.conf`, dropIns: `${units}/${UNIT}.d` },
  };
};
const A = of("team-a");
const B = of("team-b");
const TOKEN = "OPENCLAW_GATEWAY_TOKEN";
const RESEARCH = "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY";

/** Shell command lines of root. */
interface Case {
  readonly gateway: Gateway;
  readonly plant?: string;
  /** After it the service is started again: until it answers, or until it is told to. */
  readonly restart?: "until it answers" | "and no more";
  /** After the restart. */
  readonly then?: string;
  readonly heal?: string;
  readonly agent?: string;
  readonly symptom?: string;
  /** State directory of a client here. */
  readonly client?: string;
  /** Instead of, or after, the command lines. */
  readonly act?: () => Promise<void>;
  readonly undo?: () => Promise<void>;
  /** Asked through `bin/gatehouse`, whose exit status counts. */
  readonly byCommand?: true;
}

const KEPT = (path: string) => `/root/kept-${path.replaceAll("/", "-")}`;
/** Edits a file, and puts it back with its time. */
const edited = (path: string, script: string) => ({
  plant: `cp -a ${path} ${KEPT(path)} && sed -i '${script}' ${path} && ! cmp -s ${path} ${KEPT(path)}`,
  heal: `mv ${KEPT(path)} ${path}`,
});
const assignment = (name: string, value: string) => `s|^${name}=.*|${name}="${value}"|`;
const withDropIn = ({ manager, dropIn, dropIns }: typeof A, lines: string) => ({
  plant: `mkdir -p ${dropIns} && printf '[Service]\\n${lines}\\n' > ${dropIn} && ${manager} daemon-reload`,
  heal: `rm -r ${dropIns} && ${manager} daemon-reload`,
});
/** A small file system over the home of the second gateway, with a copy of it inside. */
const smallHome = (options: string) => ({
  plant: `cd / && used=$(du -sm ${B.home} | cut -f1) && files=$(find ${B.home} | wc -l) && mkdir -p /run/small &&
    mount -t tmpfs -o mode=700,${options},uid=$(id -u oc-team-b),gid=$(id -g oc-team-b) tmpfs /run/small &&
    cp -a ${B.home}/. /run/small/ && mount --bind /run/small ${B.home}`,
  heal: `umount -l ${B.home}; umount -l /run/small`,
});
/** An installation that is not ours, in two files: nothing of it is ever run. */
const foreignOpenclaw = (directory: string) =>
  `mkdir -p ${directory}/lib/openclaw ${directory}/bin && cd ${directory} &&
   echo '{"name":"openclaw","version":"2026.1.20"}' > lib/openclaw/package.json &&
   printf '#!/bin/sh\\nexit 1\\n' > lib/openclaw/openclaw.mjs && chmod -R a+rX . && chmod a+x lib/openclaw/openclaw.mjs &&
   ln -sf ../lib/openclaw/openclaw.mjs bin/openclaw`;

describe.skipIf(!(await nodesCanRun()))("the corpus of planted faults", () => {
  let bench: FleetBench;
  let provider: Provider;
  let stack: GatehouseStack;
  let tokens: string[] = [];
  let ports: Readonly<Record<Gateway, number>>;

  beforeAll(async () => {
    const [, twenty] = await Promise.all([startBench(), run("npm", ["pack", "--silent", `node-linux-${process.arch}@${NODE_20}`, "--pack-destination", "/tmp"], { cwd: ROOT })]); // prettier-ignore
    const archive = join("/tmp", twenty.stdout.trim());
    await run("tar", ["-xzf", archive, "-C", bench.directory, "package/bin/node"]);
    const tree = layout(join(bench.directory, "node")).tree;
    await mkdir(join(tree, "opt/node-20/bin"), { recursive: true });
    await cp(join(bench.directory, "package/bin/node"), join(tree, "opt/node-20/bin/node"));
    await run("rm", ["-r", archive, join(bench.directory, "package")]);
    startLanes();
  }, START_MS);
  afterAll(async () => {
    await Promise.all(results.values()).catch(() => undefined);
    await provider.close();
    await bench.stop();
  }, START_MS);

  async function startBench(): Promise<void> {
    bench = await FleetBench.start("test-corpus", {});
    provider = await startProvider({ keys: () => Promise.resolve(KEYS) });
    Object.assign(bench.secrets, KEYS);
    const providers = [{ id: "anthropic", baseUrl: provider.baseUrl }];
    const a = bench.gateway("team-a", 0, ["research", "builder"], { providers });
    const b = bench.gateway("team-b", 1, ["writer"], { providers });
    const agents = b.agents.map((agent) => ({
      ...agent,
      credentials: agent.credentials.map((credential) => ({ ...credential, delivery: "file" as const })),
    }));
    ports = { "team-a": a.port, "team-b": b.port };
    const fleet = bench.fleet([a, { ...b, agents }]);
    tokens = Object.values((await bench.up("prod", fleet)).outputs.gatewayTokens);
    stack = await bench.open("prod", fleet);
  }

  const answers = (gateway: Gateway) => `curl -sf -m 5 -o /dev/null http://127.0.0.1:${ports[gateway]}/readyz`;
  async function restart(gateway: Gateway, how: NonNullable<Case["restart"]>): Promise<void> {
    const { manager } = of(gateway);
    await bench.output(`${manager} reset-failed ${UNIT}; ${manager} restart ${UNIT}`);
    if (how === "until it answers") await bench.until(answers(gateway));
  }

  /** No more of any secret than its first and last four characters. */
  function expectNoSecret(shown: string): void {
    expect(tokens).toHaveLength(2);
    for (const secret of [...tokens, ...Object.values(KEYS), WRONG, FOREIGN]) {
      expect(shown.includes(secret.slice(0, 20))).toBe(false);
      expect(shown.includes(secret.slice(-6))).toBe(false);
    }
  }

  async function byLibrary({ gateway, agent, symptom, client }: Case): Promise<Diagnosis> {
    const progress: string[] = [];
    const diagnosis = await diagnose(stack, {
      ...{ gateway, sinceSeconds: 3600, signal: AbortSignal.timeout(400_000) },
      ...(agent !== undefined && { agent }),
      ...(symptom !== undefined && { symptom }),
      ...(client !== undefined && { client }),
      progress: (line) => progress.push(line),
    });
    const directory = join(bench.directory, `bundle-${gateway}`);
    const files = await writeBundle(directory, diagnosis);
    const bundle = await Promise.all(files.map((path) => readFile(path, "utf8")));
    expectNoSecret([...bundle, JSON.stringify(diagnosis), diagnosisText(diagnosis), ...progress].join("\n"));
    return diagnosis;
  }

  async function byCommand({ gateway, agent }: Case): Promise<Diagnosis> {
    const args = [
      "diagnose",
      gateway,
      "--stack",
      "prod",
      "--state-dir",
      bench.stateDir,
      "--plugins",
      "stand-in",
      "--json",
    ];
    const done = await run(join(ROOT, "bin/gatehouse"), [...args, ...(agent === undefined ? [] : ["--agent", agent])], {
      maxBuffer: 1e8,
    }).then(
      ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
      (error: unknown) => error as { readonly stdout: string; readonly stderr: string; readonly code: number },
    );
    expectNoSecret(done.stdout + done.stderr);
    expect(done.stderr).toContain("one SSH connection");
    const diagnosis = JSON.parse(done.stdout) as Diagnosis;
    expect(done.code).toBe(VERDICT_STATUS[diagnosis.verdict]);
    return diagnosis;
  }

  /** Plants, asks and heals; heals whatever happened. */
  async function play(one: Case): Promise<Diagnosis> {
    try {
      if (one.plant !== undefined) await bench.output(one.plant);
      if (one.restart !== undefined) await restart(one.gateway, one.restart);
      if (one.then !== undefined) await bench.output(one.then);
      await one.act?.();
      return await (one.byCommand === true ? byCommand(one) : byLibrary(one));
    } finally {
      if (one.heal !== undefined) await bench.output(one.heal);
      await one.undo?.();
    }
  }

  /** Fails turns until OpenClaw lets the key rest for the second time: the first rest is half a minute only. */
  const failTwice = async (agent: string, reason: string): Promise<void> => {
    const count = `journalctl _UID=$(id -u oc-team-a) --no-pager -o cat | grep -c 'failure state updated.* reason=${reason} ' || true`;
    do {
      expect(await agentTurn(bench.node, { user: "oc-team-a" }, agent)).toMatchObject({ ok: false });
    } while (Number(await bench.output(count)) < 2);
  };
  const other = `${A.home}/another.env`;
  const stale = edited(A.environment, assignment(RESEARCH, FOREIGN));
  const shadow = withDropIn(A, `EnvironmentFile=${other}`);
  const rewrite = `const fs=require("fs"),path="${B.config}";const {meta,...rest}=JSON.parse(fs.readFileSync(path));
    fs.writeFileSync(path,JSON.stringify({meta:{...meta,lastTouchedVersion:"2026.9.5"},...rest}))`;
  /** The first gateway: two agents with keys in the environment. What needs another process comes last. */
  const LANE_A: Readonly<Record<string, Case>> = {
    "healthy: two agents": { gateway: "team-a" },
    tokenInConfig: {
      gateway: "team-a",
      agent: "research",
      plant: `cp -a ${A.config} ${KEPT(A.config)} && ${PINNED_NODE} -e 'const fs=require("fs"),path="${A.config}",c=JSON.parse(fs.readFileSync(path));c.gateway.auth.token="${WRONG}";fs.writeFileSync(path,JSON.stringify(c,null,2))'`,
      heal: `mv ${KEPT(A.config)} ${A.config}`,
    },
    profileOfAnother: {
      gateway: "team-a",
      agent: "research",
      plant: `sed 's/OPENCLAW_AGENT_RESEARCH/OPENCLAW_AGENT_BUILDER/' ${A.home}/.gatehouse/current/secrets-plan.json > /run/plan.json && chmod 644 /run/plan.json`,
      act: async () => {
        expect(await bench.openclaw("oc-team-a", "secrets apply --from /run/plan.json --json")).toContain('"changed": true'); // prettier-ignore
      },
      undo: async () => {
        await bench.openclaw("oc-team-a", "secrets apply --from .gatehouse/current/secrets-plan.json --json");
      },
    },
    keyRefused: {
      gateway: "team-a",
      agent: "research",
      symptom: "⚠️ anthropic/claude-opus-4-8 request failed (authentication failed, HTTP 401).",
      act: async () => {
        const { "team-a-research": key = "" } = KEYS;
        delete KEYS["team-a-research"];
        refusedKey = key;
        await failTwice("research", "auth");
      },
      undo: () => {
        KEYS["team-a-research"] = refusedKey;
        return Promise.resolve();
      },
    },
    wrongToken: {
      gateway: "team-a",
      agent: "research",
      ...edited(A.environment, assignment(TOKEN, WRONG)),
      restart: "until it answers",
      symptom: `unauthorized: gateway token mismatch, sent token=${WRONG}`,
    },
    emptyToken: {
      gateway: "team-a",
      agent: "research",
      ...edited(A.environment, assignment(TOKEN, "")),
      restart: "and no more",
    },
    configBroken: {
      gateway: "team-a",
      agent: "research",
      ...edited(A.config, 's/"controlUi"/"controlUy"/'),
      restart: "and no more",
    },
    keyMissing: {
      gateway: "team-a",
      agent: "research",
      ...edited(A.environment, `/^${RESEARCH}=/d`),
      restart: "until it answers",
      symptom: "No API key for provider anthropic",
    },
    keyOfAnother: {
      gateway: "team-a",
      agent: "research",
      ...edited(A.environment, assignment(RESEARCH, KEYS["team-a-builder"] ?? "")),
      restart: "until it answers",
    },
    ambientKey: {
      gateway: "team-a",
      agent: "research",
      ...edited(A.environment, `$a ANTHROPIC_API_KEY="${FOREIGN}"`),
      restart: "until it answers",
    },
    keyShadowed: {
      gateway: "team-a",
      agent: "research",
      plant: `echo '${RESEARCH}="${FOREIGN}"' > ${other} && chmod 644 ${other} && ${shadow.plant}`,
      restart: "until it answers",
      heal: `rm ${other} && ${shadow.heal}`,
    },
    staleProcess: {
      gateway: "team-a",
      agent: "research",
      plant: stale.plant,
      restart: "until it answers",
      then: stale.heal,
    },
    "healthy: just restarted": { gateway: "team-a", restart: "until it answers" },
    "healthy: a .env without anything of the gateway's": {
      gateway: "team-a",
      agent: "research",
      plant: `echo 'TEAM_NAME=research' > ${A.dotenv} && chmod 600 ${A.dotenv} && chown oc-team-a: ${A.dotenv}`,
      heal: `rm ${A.dotenv}`,
    },
  };

  /** The second gateway: one agent whose key OpenClaw reads from a file. The same process until it is stopped. */
  const LANE_B: Readonly<Record<string, Case>> = {
    "healthy: as declared, its key in a file": { gateway: "team-b", byCommand: true },
    configUnread: { gateway: "team-b", ...edited(B.config, 's/"consoleLevel": "info"/"consoleLevel": "warn"/') },
    configBrokenUnread: { gateway: "team-b", ...edited(B.config, "s/^{/{{/") },
    worldReadable: { gateway: "team-b", plant: `chmod 644 ${B.config}`, heal: `chmod 600 ${B.config}` },
    wrongOwner: { gateway: "team-b", plant: `chown root: ${B.config}`, heal: `chown oc-team-b: ${B.config}` },
    dropIn: { gateway: "team-b", ...withDropIn(B, "Environment=OPENCLAW_LOG_LEVEL=debug") },
    unitNotReloaded: {
      gateway: "team-b",
      plant: `mkdir -p ${B.dropIns} && printf '[Service]\\nNice=1\\n' > ${B.dropIn}`,
      heal: `rm -r ${B.dropIns} && ${B.manager} daemon-reload`,
    },
    dotenv: {
      gateway: "team-b",
      plant: `echo '${TOKEN}=${WRONG}' > ${B.dotenv} && chmod 600 ${B.dotenv} && chown oc-team-b: ${B.dotenv}`,
      heal: `rm ${B.dotenv}`,
    },
    unitDisabled: {
      gateway: "team-b",
      plant: `${B.manager} --quiet disable ${UNIT}`,
      heal: `${B.manager} --quiet enable ${UNIT}`,
    },
    tokenNotRestarted: { gateway: "team-b", ...edited(B.environment, assignment(TOKEN, WRONG)) },
    keyInFileWrong: { gateway: "team-b", ...edited(B.keys, `s/sk-ant-api03-[A-Za-z0-9_-]*/${FOREIGN}/`) },
    secondOpenclaw: {
      gateway: "team-b",
      plant: `${foreignOpenclaw("/opt/theirs")} && echo 'PATH=/opt/theirs/bin:$PATH' > ${B.profile} && chmod 644 ${B.profile}`,
      heal: `rm -r ${B.profile} /opt/theirs`,
    },
    "healthy: another OpenClaw on nobody's PATH": {
      gateway: "team-b",
      plant: foreignOpenclaw("/opt/nobodys"),
      heal: "rm -r /opt/nobodys",
    },
    nodeOfShell: {
      gateway: "team-b",
      plant: `echo 'PATH=/opt/node-20/bin:$PATH' > ${B.profile} && chmod 644 ${B.profile}`,
      heal: `rm ${B.profile}`,
    },
    nodeOfUnit: { gateway: "team-b", ...withDropIn(B, "Environment=PATH=/opt/node-20/bin:/usr/bin:/bin") },
    diskFull: { gateway: "team-b", ...smallHome("size=$((used+30))m") },
    noInodes: { gateway: "team-b", ...smallHome("size=$((used+200))m,nr_inodes=$((files+300))") },
    "healthy: a rewrite of the configuration that changed nothing": {
      gateway: "team-b",
      plant: `cp -a ${B.config} ${KEPT(B.config)} && ${PINNED_NODE} -e '${rewrite}'`,
      heal: `mv ${KEPT(B.config)} ${B.config}`,
    },
    unitStopped: { gateway: "team-b", plant: `${B.manager} stop ${UNIT}`, byCommand: true },
    portTaken: {
      gateway: "team-b",
      act: async () => {
        const listen = `require("net").createServer().listen(${ports["team-b"]},"127.0.0.1")`;
        await bench.output(`systemd-run --quiet --unit=corpus-thief ${PINNED_NODE} -e '${listen}'`);
        await bench.until(`curl -s -m 1 telnet://127.0.0.1:${ports["team-b"]} </dev/null || [ $? = 28 ]`);
      },
      heal: "systemctl stop corpus-thief",
    },
    lingerOff: {
      gateway: "team-b",
      plant: "loginctl disable-linger oc-team-b && systemctl stop user@$(id -u oc-team-b)",
      heal: "loginctl enable-linger oc-team-b",
      undo: () => bench.until(answers("team-b")),
    },
    "healthy: started by a service manager that came back": { gateway: "team-b" },
  };
  let refusedKey = "";
  /** Both gateways at once, each with one fault at a time; what comes out is judged by the tests below. */
  const results = new Map<string, Promise<Diagnosis>>();
  function startLanes(): void {
    for (const lane of [LANE_A, LANE_B]) {
      let before: Promise<unknown> = Promise.resolve();
      for (const [name, one] of Object.entries(lane)) {
        const played = before.then(() => play(one));
        results.set(name, played);
        before = played.catch(() => undefined);
      }
    }
  }

  function expectRow(name: FaultName, gateway: Gateway, diagnosis: Diagnosis): void {
    const { verdict, code, firstCommand } = CORPUS[name];
    const seen = JSON.stringify({ ...diagnosis, seen: undefined });
    expect(diagnosis, seen).toMatchObject({ verdict, code });
    const agent = diagnosis.agent ?? diagnosis.frozen.agent ?? (gateway === "team-a" ? "research" : "writer");
    const names: Readonly<Record<string, string>> = { UNIT, USER: USER[gateway], AGENT: agent };
    expect(diagnosis.firstCommand).toBe(firstCommand.replace(/\b(UNIT|USER|AGENT)\b/g, (word) => names[word] ?? word));
    expect(diagnosis.nextStep).not.toMatch(/--token.*--provider|--provider.*--token/);
    expect(diagnosis.doNot.join()).toContain("do not reinstall before");
  }

  const cases = Object.entries({ ...LANE_A, ...LANE_B });
  const isFault = (name: string): name is FaultName => name in CORPUS;

  describe("each has its verdict and its first command", () => {
    it.each(
      cases.filter(([name]) => isFault(name)).map(([name, { gateway }]) => [name as FaultName, gateway] as const),
    )(
      "%s (%s)",
      async (name, gateway) => {
        expectRow(name, gateway, (await results.get(name)) as Diagnosis);
      },
      1_800_000,
    );
  });

  describe("no false alarm", () => {
    it.each(cases.map(([name]) => name).filter((name) => !isFault(name)))(
      "%s",
      async (name) => {
        const diagnosis = await results.get(name);
        const seen = JSON.stringify({ ...diagnosis, seen: undefined });
        expect(diagnosis, seen).toMatchObject({ verdict: "healthy", missing: [], also: [] });
      },
      1_800_000,
    );
  });

  describe("when nobody else asks", () => {
    beforeAll(async () => {
      await Promise.all([...results.values()].map((result) => result.catch(() => undefined)));
    }, 1_800_000);

    /**
     * Everything of the gateways but what is written at any time: by them logs and the logs of their databases, and by the
     * timer of their metrics, once a minute, where the log was read up to.
     */
    const everything = async (): Promise<string> => {
      const paths = "/home/oc-team-a /home/oc-team-b /var/lib/gatehouse";
      const theirs = ["-name '*-wal'", "-name '*-shm'", "-path '*/logs/*'", "-path '*/.gatehouse/metrics/state.json'"];
      const files = `find ${paths} -type f ${theirs.map((one) => `-not ${one}`).join(" ")}`;
      const kept = `find ${paths} -not -path '*/logs/*' -printf '%p %m %u %l\\n'`;
      return await bench.output(`${files} -print0 | sort -z | xargs -0 sha256sum; ${kept} | sort`);
    };
    /** Rows about pairing in the gateway's own database. */
    const pairing = async (): Promise<string> => {
      const script = `const {DatabaseSync}=require("node:sqlite");const d=new DatabaseSync("${B.home}/.openclaw/state/openclaw.sqlite",{readOnly:true});
        const t=d.prepare("select name from sqlite_master where type='table' and (name like '%pair%' or name like 'device%')").all();
        console.log(JSON.stringify(t.map(({name})=>[name,d.prepare("select count(*) n from "+name).get().n])))`;
      return await bench.output(`${PINNED_NODE} -e '${script.replaceAll("'", `'\\''`)}' 2>/dev/null`);
    };

    it("asking takes one login, changes nothing, and tells every step of the runbook", async () => {
      const before = [await everything(), await pairing(), await bench.pid("oc-team-b")];
      const logins = await bench.logins();
      const diagnosis = await play({ gateway: "team-b" });
      expect(diagnosis).toMatchObject({ verdict: "healthy", missing: [], also: [] });
      expect((await bench.logins()) - logins).toBe(1);
      expect([await everything(), await pairing(), await bench.pid("oc-team-b")]).toEqual(before);
      expect(before[1]).toContain("device");
      const text = diagnosisText(diagnosis);
      for (const [, pattern] of STEPS) expect(text).toMatch(pattern);
    });

    it("a client with a wrong token; the bundle is for its owner alone and holds no secret", async () => {
      const client = join(bench.directory, "client");
      await mkdir(client);
      await writeFile(join(client, ".env"), `${TOKEN}=${WRONG}\n`);
      const symptom = `unauthorized: gateway token mismatch, sent token=${WRONG}`;
      const diagnosis = await play({ gateway: "team-b", client, symptom });
      expect(diagnosis).toMatchObject({ verdict: "gateway session", code: "client-token-refused" });
      expect(diagnosis.frozen.symptomClass).toBe("gateway session");
      for (const name of ["diagnosis.json", "diagnosis.md", "gateway.log"]) {
        expect((await stat(join(bench.directory, "bundle-team-b", name))).mode & 0o777).toBe(0o600);
      }
    });

    it("a gateway or agent that is not in the stack is wrong input, no fault", async () => {
      const asked = { sinceSeconds: 60, progress: () => undefined, signal: AbortSignal.timeout(60_000) };
      await expect(diagnose(stack, { ...asked, gateway: "team-c" })).rejects.toMatchObject({ code: "input" });
      await expect(diagnose(stack, { ...asked, gateway: "team-b", agent: "nobody" })).rejects.toMatchObject({ code: "input" }); // prettier-ignore
    });

    it("a clock that is wrong: this machine's, which is moved for the test", async () => {
      const real = Date.now();
      vi.useFakeTimers({ toFake: ["Date"], now: real - 600_000 });
      try {
        const diagnosis = await play({ gateway: "team-b" });
        expectRow("clockSkew", "team-b", diagnosis);
        expect(diagnosis.evidence.join()).toMatch(/(59[0-9]|60[0-9]) s ahead/);
      } finally {
        vi.useRealTimers();
      }
    });

    it("Node 20 first in the operator's shell", async () => {
      const plant = "echo 'PATH=/opt/node-20/bin:$PATH' > /home/ops/.profile";
      expectRow("nodeOfOperator", "team-b", await play({ gateway: "team-b", plant, heal: "rm /home/ops/.profile" }));
    });

    it("every row of the corpus was planted", () => {
      const planted = [...cases.map(([name]) => name).filter(isFault), "clockSkew", "nodeOfOperator"];
      expect(planted.sort()).toEqual(Object.keys(CORPUS).sort());
    });
  });
});
