import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CATALOGUE } from "../../policies/src/catalogue.ts";
import { ensurePulumi, type PulumiCli } from "../../sandbox/engine/cli.ts";
import { ensurePlugins } from "../../sandbox/engine/plugins.ts";
import { OperatorFiles } from "../component/fleet.ts";
import { FAULTS } from "../policy/faults.ts";
import { goodFleet, previewed, Stack, UNKNOWN } from "../policy/stack.ts";

const root = join(import.meta.dirname, "../..");
/**
 * A stranger's program: it registers what the program of `index.ts` registers for a fleet, as a file has it, and a Command
 * of a component whose private key is not made yet.
 */
const PROGRAM = `
import { readFileSync } from "node:fs";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
const made = new tls.PrivateKey("made", { algorithm: "ED25519" }).privateKeyOpenssh;
const inputs = (value) => {
  if (value === ${JSON.stringify(UNKNOWN)}) return made;
  if (Array.isArray(value)) return value.map(inputs);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inputs(part)]));
};
const components = new Map();
for (const { type, name, parent: parentName, parentType, props, secretOutputs } of JSON.parse(readFileSync("resources.json", "utf8"))) {
  const parent = components.get(parentType + parentName);
  if (type === "command:remote:Command") {
    const { stdin, ...plain } = props;
    new remote.Command(name, { ...inputs(plain), stdin: pulumi.secret(inputs(stdin ?? "")) }, { additionalSecretOutputs: secretOutputs, ...(parent && { parent }) });
  } else if (type.startsWith("gatehouse:")) components.set(type + name, new pulumi.ComponentResource(type, name, inputs(props), parent ? { parent } : {}));
}
const pin = ${JSON.stringify("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")};
const late = new pulumi.ComponentResource("gatehouse:index:Phases", "late", {}, {});
new remote.Command(
  "late-key",
  { create: "true", logging: "none", addPreviousOutputInEnv: false, connection: { host: "192.0.2.1", hostKey: pin, privateKey: made } },
  { additionalSecretOutputs: ["stdout", "stderr"], parent: late },
);
`;

const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "sealed" };

/** The stack as `pulumi stack export` writes it once it is up. */
function exportedState({ resources }: Stack, salt: string): string {
  const urns = new Map<string, string>();
  const root = "urn:pulumi:test::project::pulumi:pulumi:Stack::project-test";
  const entries = resources.map(({ type, name, parent, parentType, props, secretOutputs }) => {
    const custom = !type.startsWith("gatehouse:");
    const urn = `urn:pulumi:test::project::${parent === "" ? "" : `${parentType}$`}${type}::${name}`;
    urns.set(parentType + parent, urns.get(parentType + parent) ?? root);
    urns.set(type + name, urn);
    const sealed = type === "command:remote:Command" ? { connection: SECRET, stdin: SECRET } : {};
    return {
      urn,
      custom,
      type,
      inputs: { ...(JSON.parse(JSON.stringify(props).replaceAll(UNKNOWN, "known-now")) as object), ...sealed },
      parent: urns.get(parentType + parent),
      ...(custom && { id: name }),
      ...(secretOutputs.length > 0 && { additionalSecretOutputs: secretOutputs }),
    };
  });
  const stack = { urn: root, custom: false, type: "pulumi:pulumi:Stack" };
  const providers = { type: "passphrase", state: { salt } };
  const manifest = { time: "2026-11-23T10:00:00Z", magic: "", version: "" };
  return JSON.stringify({
    version: 3,
    deployment: { manifest, secrets_providers: providers, resources: [stack, ...entries] },
  });
}

describe("the policy pack under the ordinary CLI", () => {
  const work = mkdtempSync(join(tmpdir(), "gatehouse-pack-"));
  const pack = join(work, "policies");
  const project = join(work, "project");
  let cli: PulumiCli;
  let environment: NodeJS.ProcessEnv;

  function pulumi(...args: string[]): Promise<{ readonly status: number; readonly output: string }> {
    return new Promise((resolve) => {
      const options = { cwd: project, env: environment };
      execFile(cli.command, [...args, "--non-interactive"], options, (error, stdout, stderr) => {
        resolve({ status: error ? 1 : 0, output: stdout + stderr });
      });
    });
  }

  /** A preview of that stack with the pack, configured with `settings`. */
  function preview(stack: Stack, settings: object = {}): ReturnType<typeof pulumi> {
    writeFileSync(join(project, "resources.json"), JSON.stringify(stack.resources));
    writeFileSync(join(project, "policies.json"), JSON.stringify(settings));
    return pulumi("preview", "--policy-pack", pack, "--policy-pack-config", "policies.json");
  }

  async function freshStack(): Promise<Stack> {
    const files = new OperatorFiles();
    try {
      return new Stack(await previewed(goodFleet(files.sshKey)));
    } finally {
      files.remove();
    }
  }

  beforeAll(async () => {
    const note = (text: string): void => {
      console.error(text);
    };
    cli = await ensurePulumi({}, note);
    environment = {
      ...process.env,
      ...(await ensurePlugins({ choice: "stand-in" }, cli, note)).env,
      PULUMI_BACKEND_URL: `file://${join(work, "state")}`,
      PULUMI_HOME: join(work, "home"),
      PULUMI_CONFIG_PASSPHRASE: "test",
    };
    mkdirSync(project);
    mkdirSync(join(work, "state"));
    // as in a fresh clone after `npm ci`: the sources, and nothing built
    cpSync(join(root, "policies"), pack, { recursive: true, filter: (path) => !path.endsWith("dist") });
    symlinkSync(join(root, "node_modules"), join(work, "node_modules"));
    writeFileSync(join(project, "main.ts"), PROGRAM);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", type: "module" }));
    writeFileSync(
      join(project, "Pulumi.yaml"),
      'name: project\nmain: main.ts\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n    nodeargs: "--import tsx"\n',
    );
    expect(await pulumi("stack", "init", "test")).toMatchObject({ status: 0 });
  });

  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
  });

  it("builds itself and passes a sound stack, even with a private key that is not made yet", async () => {
    const { status, output } = await preview(await freshStack());
    expect(status, output).toBe(0);
    expect(output).toContain("gatehouse@v0.1.0");
    expect(output).not.toContain("[mandatory]");
    expect(output).not.toContain("CANARY");
  });

  it("refuses a stack with a fault for every rule, with id and fix, and shows no secret", async () => {
    expect(Object.keys(FAULTS)).toEqual(CATALOGUE.map(({ id }) => id));
    const stack = await freshStack();
    for (const [id, { plant }] of Object.entries(FAULTS)) if (id !== "GH110") plant(stack);
    stack.remove("Gateway", "team-b", ["paths", 0, "mode"]);
    stack.set("Gateway", "team-b", ["openclaw", "update", "auto", "enabled"], UNKNOWN);
    // the one credential for two agents is over the ceiling too
    const { status, output } = await preview(stack, { GH110: { agents: 1 } });
    expect(status, output).toBe(1);
    const text = output.replace(/\s+/g, " ");
    for (const { id, title, fix } of CATALOGUE) {
      expect.soft(text).toContain(`${id} ${title}: `);
      expect.soft(text).toContain(`Fix: ${fix}`);
    }
    for (const problem of [
      "GH305 Nobody but Gatehouse changes the installation: team-b: openclaw.update.auto.enabled is unknown at preview",
      "GH201 No path that others can reach: team-b: the mode of /home/oc-team-b is not declared",
    ])
      expect.soft(text).toContain(problem);
    expect(output).not.toContain("CANARY");
  });

  it("takes levels, parameters and exceptions from a file, and refuses a parameter that there is not", async () => {
    const exception = { resource: "team-a", owner: "jo@example.com", reason: "until OPS-8", expires: "2999-01-01" };
    const expired = { ...exception, resource: "team-b", expires: "2026-01-01" };
    const stack = await freshStack();
    FAULTS["GH401"]?.plant(stack);
    stack.set("Gateway", "team-a", ["token", "rotateEveryDays"], 200);
    FAULTS["GH201"]?.plant(stack);
    const settings = {
      GH104: "disabled",
      GH401: { exceptions: [exception, expired] },
      GH107: { maximumDays: { prod: 200 } },
      GH201: { enforcementLevel: "advisory" },
    };
    const { status, output } = await preview(stack, settings);
    expect(status, output).toBe(1);
    const text = output.replace(/\s+/g, " ");
    expect(text).toContain("team-b: the exception of jo@example.com expired on 2026-01-01");
    expect(text).not.toMatch(/GH401[^.]*: team-a:/);
    expect(text).toContain("[advisory] GH201");
    expect(text).not.toContain("GH107");
    const { status: second, output: refused } = await preview(stack, { GH107: { maximumDay: { prod: 200 } } });
    expect(second, refused).toBe(1);
    expect(refused.replace(/\s+/g, " ")).toContain("GH107: there is no parameter 'maximumDay'");
  });

  it("decides from exported state alone, in CI, without the keys to its secrets", async () => {
    const stack = await freshStack();
    const settings = readFileSync(join(project, "Pulumi.test.yaml"), "utf8");
    const salt = /^encryptionsalt: (\S+)$/m.exec(settings)?.[1] ?? "";
    delete environment["PULUMI_CONFIG_PASSPHRASE"];
    writeFileSync(join(project, "state.json"), exportedState(stack, salt));
    const analyze = ["policy", "analyze", "--policy-pack", pack, "--file", "state.json"];
    const sound = await pulumi(...analyze);
    expect(sound.status, sound.output).toBe(0);
    FAULTS["GH301"]?.plant(stack);
    FAULTS["GH502"]?.plant(stack);
    writeFileSync(join(project, "state.json"), exportedState(stack, salt));
    const { status, output } = await pulumi(...analyze);
    expect(status, output).toBe(1);
    expect(output.match(/\[mandatory\] +GH\d+/g)).toEqual([
      "[mandatory]  GH301",
      "[mandatory]  GH502",
      "[mandatory]  GH502",
    ]);
  });
});
