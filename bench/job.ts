import { execFileSync } from "node:child_process";
import { PINNED_NODE, PINNED_NPM } from "../render/runtime-table.ts";
import { archiveUrl } from "../render/bootstrap.ts";
import { gatewayLayout, renderGeneration } from "../render/index.ts";
import { shippedOpenclawLock } from "../render/openclaw-lock.ts";
import { credentialVariable, parseFleet, type FleetInput } from "../spec/index.ts";
import { renderEnvironmentFile } from "../node/environment-file.ts";
import type { SshAccess } from "../sandbox/node/index.ts";

export const AGENTS = ["research", "builder"] as const;

/** One gateway with two agents: what every contestant has to bring to readiness. */
export interface Job {
  readonly user: string;
  readonly port: number;
  readonly fleet: FleetInput;
  /** Secrets by `pulumi://` key. */
  readonly secrets: Readonly<Record<string, string>>;
}

export function jobFor(user: string, port: number, ssh: SshAccess, extraCaCertificates: string[]): Job {
  const secrets = Object.fromEntries(
    AGENTS.map((id) => [`${user}-${id}`, `sk-ant-api03-bench-${id}-0123456789abcdef`]),
  );
  const fleet: FleetInput = {
    environments: [{ name: "staging", kind: "staging" }],
    nodes: [
      {
        name: "bench-node",
        platform: "linux",
        connection: {
          host: ssh.host,
          port: ssh.port,
          user: ssh.user,
          hostKey: ssh.hostKey,
          privateKey: `file://${ssh.identityFile}`,
        },
        downloads: { extraCaCertificates },
        gateways: [
          {
            name: user,
            environment: "staging",
            user,
            port,
            purgeOnDestroy: true,
            agents: AGENTS.map((id) => ({
              id,
              model: "anthropic/claude-opus-4-8",
              credentials: [{ provider: "anthropic", secret: `pulumi://${user}-${id}` }],
            })),
          },
        ],
      },
    ],
  };
  return { user, port, fleet, secrets };
}

/** The same files as Gatehouse renders, for a runtime that somebody else installed. */
export interface PlainFiles {
  readonly config: string;
  readonly unit: string;
  readonly secretsPlan: string;
  readonly environment: string;
  readonly variables: Readonly<Record<string, string>>;
}

export function plainFiles(job: Job, nodePath: string, runtime: string): PlainFiles {
  const [node] = parseFleet(job.fleet).nodes;
  const gateway = node?.gateways[0];
  if (node === undefined || gateway === undefined) throw new Error("the job has no gateway");
  const { files } = renderGeneration({
    node,
    gateway,
    runtime: { id: "bench", nodePath },
    tokenFingerprint: "",
    credentialFingerprint: () => "",
  });
  const variables = {
    OPENCLAW_GATEWAY_TOKEN: "bench-token-0123456789abcdef0123456789abcdef",
    ...Object.fromEntries(
      AGENTS.map((id) => [credentialVariable(id, "anthropic"), job.secrets[`${job.user}-${id}`] ?? ""]),
    ),
  };
  return {
    config: files.config,
    unit: files.unit.replaceAll("/opt/gatehouse/runtime/bench", runtime),
    secretsPlan: files.secretsPlan,
    environment: renderEnvironmentFile(new Map(Object.entries(variables))),
    variables,
  };
}

/** Where the archives come from, and what they have to be. */
export function artefacts() {
  const registry = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim();
  const node = PINNED_NODE.archives["linux-x64"];
  if (node === undefined) throw new Error("no Node archive for linux-x64");
  const sha512 = (integrity: string): string =>
    Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
  return {
    registry,
    nodeUrl: archiveUrl(node.source, registry),
    nodeSha512: sha512(node.integrity),
    npmUrl: archiveUrl(PINNED_NPM.source, registry),
    npmSha512: sha512(PINNED_NPM.integrity),
    lock: shippedOpenclawLock(),
  };
}

export function homeOf(job: Job) {
  return gatewayLayout("linux", { name: job.user, user: job.user, startsAt: "boot" });
}
