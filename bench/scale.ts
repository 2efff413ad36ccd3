import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { openStack } from "../operations/stack.ts";
import type { FleetInput } from "../spec/index.ts";

/**
 * `npm run bench:scale`: previews one large fleet without and with the policy pack, each once, and says what both took.
 * Contacts no machine. Linux only: memory is read from /proc.
 */
const GATEWAYS_PER_NODE = 3;
/** Ten for each node: 3, 3 and 4. */
const AGENTS = [3, 3, 4];
const PORT_STEP = 200;
const SAMPLE_MS = 500;

type NodeInput = FleetInput["nodes"][number];

/** Keys are read by the nodes themselves, as a fleet of that size would have it; nothing here is a real secret. */
function fleetOf(nodes: number): FleetInput {
  return {
    environments: [{ name: "staging", kind: "staging" }],
    nodes: Array.from({ length: nodes }, (_, n) => nodeOf(n)),
  };
}

function nodeOf(n: number): NodeInput {
  const node = `node-${n}`;
  return {
    name: node,
    platform: "linux",
    connection: {
      host: `198.18.${Math.floor(n / 250)}.${(n % 250) + 1}`,
      user: "ops",
      hostKey: `ssh-ed25519 ${Buffer.concat([Buffer.from("\0\0\0\u000bssh-ed25519\0\0\0 "), Buffer.alloc(32, n)]).toString("base64")}`,
    },
    downloads: { registry: "https://registry.example.com/" },
    gateways: Array.from({ length: GATEWAYS_PER_NODE }, (_unused, g) => {
      const name = `gw-${n}-${g}`;
      return {
        name,
        environment: "staging",
        user: `oc-${name}`,
        port: 20_000 + g * PORT_STEP,
        nodeIdentity: {
          vault: { address: "https://vault.example.com:8200", roleId: name, secretId: `env://SCALE_${n}_${g}` },
        },
        agents: Array.from({ length: AGENTS[g] ?? 3 }, (_none, a) => ({
          id: `agent-${a}`,
          model: "anthropic/claude-opus-4-8",
          credentials: [
            { provider: "anthropic", secret: `vault://kv/${name}/agent-${a}#key`, resolve: "node" as const },
          ],
        })),
      };
    }),
  };
}

/** Resident bytes of this process's descendants, by what they are. */
function memory(): Readonly<Record<"engine" | "program" | "pack" | "plugins", number>> {
  const processes = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
          const status = readFileSync(`/proc/${pid}/status`, "utf8");
          const field = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
          return [[Number(pid), { command, parent: field("PPid"), bytes: field("VmRSS") * 1024 }] as const];
        } catch {
          return [];
        }
      }),
  );
  const isOurs = (pid: number): boolean => {
    const parent = processes.get(pid)?.parent ?? 0;
    return parent === process.pid || (parent > 1 && isOurs(parent));
  };
  const found = { engine: 0, program: 0, pack: 0, plugins: 0 };
  for (const [pid, { command, bytes }] of processes) {
    if (!isOurs(pid)) continue;
    const kind = /^(?:\S*\/)?pulumi /.test(command)
      ? "engine"
      : /policies/.test(command)
        ? "pack"
        : /resource-(command|tls)|plugins\/(command|tls)/.test(command)
          ? "plugins"
          : "program";
    found[kind] += bytes;
  }
  return found;
}

interface Measured {
  readonly seconds: number;
  readonly resources: number;
  /** Highest sum seen of each kind of process, in MiB; this process holds the engine's events. */
  readonly mebibytes: Readonly<Record<string, number>>;
}

async function measure(fleet: FleetInput, policyPack: boolean): Promise<Measured> {
  const stateDir = mkdtempSync(join(tmpdir(), "gatehouse-scale-"));
  const highest: Record<string, number> = {};
  const timer = setInterval(() => {
    for (const [kind, bytes] of Object.entries(memory())) highest[kind] = Math.max(highest[kind] ?? 0, bytes);
  }, SAMPLE_MS);
  try {
    const stack = await openStack({
      stack: "scale",
      stateDir,
      fleet,
      secrets: {},
      policyPack,
      progress: () => undefined,
    });
    const start = performance.now();
    const { changes } = await stack.preview();
    return {
      seconds: Math.round((performance.now() - start) / 100) / 10,
      resources: Object.values(changes).reduce((sum, count) => sum + count, 0),
      mebibytes: Object.fromEntries(
        Object.entries(highest).map(([kind, bytes]) => [kind, Math.round(bytes / 2 ** 20)]),
      ),
    };
  } finally {
    clearInterval(timer);
    rmSync(stateDir, { recursive: true, force: true });
  }
}

const program = new Command()
  .name("npm run bench:scale --")
  .description(
    "Previews a large fleet without and with the policy pack. Exit status: 0 measured, 1 failed, 2 wrong usage.",
  )
  .option(
    "--nodes <count>",
    "nodes, with 3 gateways and 10 agents each",
    (text) => {
      if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("expected a number from 1 to 9999");
      return Number(text);
    },
    100,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();
const { nodes } = program.opts<{ nodes: number }>();
if (spawnSync("test", ["-r", "/proc/self/status"]).status !== 0) throw new Error("no /proc: this needs Linux");
for (let n = 0; n < nodes; n += 1)
  for (let g = 0; g < GATEWAYS_PER_NODE; g += 1) process.env[`SCALE_${n}_${g}`] = `identity-of-no-real-vault-${n}-${g}`;
const fleet = fleetOf(nodes);
const without = await measure(fleet, false);
process.stderr.write(`bench: without the pack ${without.seconds} s\n`);
const withPack = await measure(fleet, true);
process.stdout.write(
  `${JSON.stringify(
    {
      nodes,
      gateways: nodes * GATEWAYS_PER_NODE,
      agents: nodes * AGENTS.reduce((sum, count) => sum + count, 0),
      without,
      with: withPack,
      ratio: Math.round((withPack.seconds / without.seconds) * 100) / 100,
    },
    null,
    2,
  )}\n`,
);
