import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFile, chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FILES, searchDirectory, searchNode, together, type Finding, type Searched } from "./canary-search.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";
import { OrdinaryPulumi, POLICIES, ROOT } from "./ordinary-pulumi.ts";

const USER = "oc-canary";
const HOME = `/home/${USER}`;
/** Fails the start of the unit once, so that an update reaches its gate and has to be taken back. */
const FAIL_ONCE = `${HOME}/.openclaw/fail-once`;
const DROP_IN = `${HOME}/.config/systemd/user/openclaw-gateway.service.d`;

/** The only files that may hold a secret of the stack, with the only mode and owner that they may have. */
const ALLOWED = [
  `600 ${USER} ${HOME}/.openclaw/gateway.systemd.env`,
  `600 ${USER} ${HOME}/.gatehouse/agents/[a-z]+/credentials.json`,
  `600 ${USER} ${HOME}/.gatehouse/generations/[^/]+/(gateway.env|keys.json)`,
  `600 ${USER} ${HOME}/.config/gatehouse/keys.json`,
].map((pattern) => new RegExp(`^${pattern}$`));

const KEPT = "state with its history, engine logs at the highest verbosity, event streams, policy output";

describe.skipIf(!(await nodesCanRun()))("every secret of a stack", () => {
  const passphrase = randomBytes(24).toString("base64url");
  const markers: Record<string, string> = {
    passphrase,
    token: randomBytes(32).toString("base64url"),
    research: canaryKey(),
    builder: canaryKey(),
    rotated: canaryKey(),
    failed: canaryKey(),
  };
  let bench: FleetBench;
  let pulumi: OrdinaryPulumi;
  let agent: ChildProcess | undefined;

  /** What the operator's machine keeps of every run. */
  const operator = (name = ""): string => join(bench.directory, "operator", name);

  /** An SSH agent that signs with the node's key: the key itself is nothing that Pulumi gets to see. */
  async function startAgent(identityFile: string): Promise<string> {
    const socket = join(bench.directory, "agent.sock");
    agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "inherit"] });
    // it says where it listens once it does
    if (agent.stdout !== null) await once(agent.stdout, "data");
    execFileSync("ssh-add", ["-q", identityFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    return socket;
  }

  beforeAll(async () => {
    bench = await FleetBench.start("test-canary", { research: markers["research"] ?? "" });
    await mkdir(operator());
    const { identityFile } = bench.node.ssh;
    const [, , , , privateHalf = ""] = (await readFile(identityFile, "utf8")).split("\n");
    markers["the operator's SSH key"] = privateHalf;
    pulumi = await OrdinaryPulumi.prepare(operator(), {
      PULUMI_CONFIG_PASSPHRASE: passphrase,
      SSH_AUTH_SOCK: await startAgent(identityFile),
    });
    const plain = bench.gateway("canary", 0, ["research", "builder"]);
    const gateway = {
      ...plain,
      // one key in a variable, one in a file
      agents: plain.agents.map((agent) => ({
        ...agent,
        credentials: agent.credentials.map((credential) => ({
          ...credential,
          ...(agent.id === "builder" && { delivery: "file" as const }),
        })),
      })),
      token: "pulumi://canary-token",
      keepGenerations: 4,
    };
    // without a key in the spec, the agent signs
    const config = { "gatehouse:fleet": bench.fleet([gateway], { privateKey: undefined }) };
    await writeFile(join(pulumi.project, "Pulumi.canary.yaml"), stringify({ config }));
    expect(await pulumi.run(["stack", "init", "canary"])).toMatchObject({ status: 0 });
    await setSecret("canary-token", "token");
    await setSecret("canary-research", "research");
    await setSecret("canary-builder", "builder");
  }, START_MS);
  afterAll(async () => {
    agent?.kill();
    await bench.stop();
  });

  async function setSecret(key: string, label: string): Promise<void> {
    const set = await pulumi.run(["config", "set", "--secret", `gatehouse:${key}`], markers[label]);
    expect(set.status, set.output).toBe(0);
  }

  /** With the most that the engine and its plugins ever log, and the event stream. */
  async function run(command: "up" | "refresh" | "destroy", name: string): Promise<number> {
    const policies = command === "up" ? ["--policy-pack", POLICIES] : [];
    const args = [
      command,
      "--yes",
      "--diff",
      "--logtostderr",
      "--logflow",
      "-v=11",
      "--event-log",
      operator(`${name}.events`),
    ];
    const { status, output } = await pulumi.run([...args, ...policies]);
    await writeFile(operator(`${name}.log`), output);
    return status;
  }

  async function search(): Promise<Searched> {
    return together(await searchDirectory(KEPT, operator(), markers), await searchNode(bench.node, markers));
  }

  const isAllowed = ({ path }: Finding): boolean => ALLOWED.some((pattern) => pattern.test(path));

  /** The labels of what was found where it may be; fails for what was found anywhere else. */
  async function onlyWhereAllowed(): Promise<ReadonlySet<string>> {
    const { findings, looked } = await search();
    process.stderr.write(`  looked for ${Object.keys(markers).join(", ")} in ${JSON.stringify(looked)}\n`);
    expect(findings.filter((finding) => !isAllowed(finding))).toEqual([]);
    for (const [place, size] of Object.entries(looked)) expect(size, place).toBeGreaterThan(0);
    return new Set(findings.map(({ label }) => label));
  }

  it("is where it has to be after the first update, and nowhere else", async () => {
    expect(await run("up", "first")).toBe(0);
    expect(await onlyWhereAllowed()).toEqual(new Set(["token", "research", "builder"]));
  });

  it("is nowhere else after a rotation", async () => {
    await setSecret("canary-research", "rotated");
    expect(await run("up", "rotation")).toBe(0);
    expect(await onlyWhereAllowed()).toContain("rotated");
  });

  it("is nowhere else after an update that failed and was taken back", async () => {
    const fail = `[Service]\nExecStartPre=/bin/sh -c 'test ! -e ${FAIL_ONCE} || { rm ${FAIL_ONCE}; exit 1; }'\n`;
    const plant = `mkdir ${DROP_IN} && cat > ${DROP_IN}/fail.conf && touch ${FAIL_ONCE}`;
    const planted = await bench.node.exec(`runuser -u ${USER} -- sh -c '${plant}'`, { stdin: fail });
    expect(planted.code, planted.stderr).toBe(0);
    await setSecret("canary-research", "failed");
    expect(await run("up", "failed")).toBe(1);
    // the start was tried, and the previous generation serves again
    await bench.output(`test ! -e ${FAIL_ONCE}`);
    await bench.until(`curl -fs http://127.0.0.1:${bench.gateway("canary", 0, []).port}/readyz`);
    await onlyWhereAllowed();
  });

  it("is nowhere else after a refresh that found drift", async () => {
    expect(await run("refresh", "refresh")).toBe(0);
    // the drop-in that made the start fail is still there
    expect(await readFile(operator("refresh.log"), "utf8")).toContain(`drop-in: ${DROP_IN}/fail.conf`);
    await onlyWhereAllowed();
  });

  it("is nowhere else after a diagnosis and its bundle", async () => {
    const project = operator("diagnosis/project");
    await mkdir(project, { recursive: true, mode: 0o700 });
    await chmod(operator("diagnosis"), 0o700);
    await copyFile(join(pulumi.project, "Pulumi.canary.yaml"), join(project, "Pulumi.canary.yaml"));
    const symptom = `Unauthorized: token ${markers["token"] ?? ""} was refused`;
    const done = await new Promise<{ readonly status: number; readonly shown: string }>((resolve) => {
      const options = ["--stack", "canary", "--state-dir", operator("diagnosis"), "--bundle", operator("bundle")];
      execFile(
        "sh",
        ["bin/gatehouse", "diagnose", "canary", "--json", "--symptom", symptom, ...options],
        { cwd: ROOT, env: { ...process.env, ...pulumi.variables } },
        (error, stdout, stderr) => {
          resolve({ status: error === null ? 0 : Number(error.code), shown: stdout + stderr });
        },
      );
    });
    await writeFile(operator("diagnosis.log"), done.shown);
    // the drop-in that made the start fail is still there, and is named
    expect(done.shown).toContain("fail.conf");
    await onlyWhereAllowed();
  });

  it("is nowhere at all when the stack is gone", async () => {
    expect(await run("destroy", "gone")).toBe(0);
    expect(await onlyWhereAllowed()).toEqual(new Set());
  });

  describe("is found when it leaks", () => {
    const asRoot = (command: string) => bench.node.exec(command, { stdin: markers["builder"] ?? "" });
    const asUser = (command: string) => asRoot(`runuser -u ${USER} -- sh -c '${command}'`);
    const asFile = (path: string): Promise<void> => appendFile(operator(path), markers["builder"] ?? "");
    const environmentFile = `${HOME}/.openclaw/gateway.systemd.env`;
    const bundles = `${HOME}/.openclaw/logs/stability`;
    const READABLE = "environments that another user can read";

    /** How it leaks, where it has to be found, and what does it. */
    const leaks: readonly (readonly [string, string, string, () => Promise<unknown>])[] = [
      ["into Pulumi's state", KEPT, "state/leak.json", () => asFile("state/leak.json")],
      ["into an engine log", KEPT, "gone.log", () => asFile("gone.log")],
      [
        "into an event stream, in base64",
        KEPT,
        "gone.events",
        () => appendFile(operator("gone.events"), btoa(` ${markers["builder"] ?? ""} `)),
      ],
      [
        "into a file that others can read",
        FILES,
        "644 root /srv/leak",
        () => asRoot("cat > /srv/leak; chmod 644 /srv/leak"),
      ],
      ["into a shell history", FILES, `${HOME}/.bash_history`, () => asUser(`cat > ${HOME}/.bash_history`)],
      ["into a temporary directory", FILES, "/tmp/leak", () => asUser("cat > /tmp/leak")],
      ["into a crash bundle", FILES, bundles, () => asUser(`mkdir -p ${bundles} && cat > ${bundles}/leak.json`)],
      [
        "by the mode of a file",
        FILES,
        `644 ${USER} ${environmentFile}`,
        () => asUser(`cat > ${environmentFile} && chmod 644 ${environmentFile}`),
      ],
      [
        "into a command line",
        "command lines",
        "",
        () => asRoot(`leak=$(cat); setsid sh -c 'sleep 600; :' "$leak" > /dev/null 2>&1 &`),
      ],
      [
        "into an environment",
        READABLE,
        "",
        () => asRoot(`export LEAK=$(cat); setsid runuser -u nosudo -- sleep 600 > /dev/null 2>&1 &`),
      ],
      ["into the journal", "journals", "", () => asRoot("systemd-cat -t leak")],
    ];
    let found: readonly Finding[] = [];
    beforeAll(async () => {
      for (const [, , , plant] of leaks) await plant();
      found = (await search()).findings.filter((finding) => !isAllowed(finding));
    });

    it.each(leaks)("%s", (_how, place, path) => {
      const there = found.filter((finding) => finding.place === place && finding.path.includes(path));
      expect(there.map(({ label }) => label)).toContain("builder");
    });
  });
});
