import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { isManaged, ReadFailure, readManagers, type ManagedRef } from "../managers/index.ts";
import { secretValueProblem } from "../node/environment-file.ts";
import { identityRefs, parseSecretRef } from "../spec/index.ts";
import type { FleetSpec, LocalRef } from "../spec/index.ts";
import { ComponentError } from "./errors.ts";

// exported by @pulumi/pulumi 3.270.0, but left out of its declarations
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

/** Configuration namespace of `pulumi://KEY`. */
export const CONFIG_NAMESPACE = "gatehouse";

/** A key of the shortest provider; anything shorter is a mistake, and its fingerprint could be guessed. */
const SHORTEST_KEY = 16;

interface Use {
  /** Field of the fleet that names the reference. */
  readonly field: string;
  readonly ref: string;
  readonly kind: "key" | "ssh";
}

/** Every reference of a fleet with the field that names it. */
function usesOf(fleet: FleetSpec): Use[] {
  return fleet.nodes.flatMap((node, n): Use[] => {
    const base = `nodes[${n}]`;
    const ssh = (field: string, ref: string | undefined): Use[] =>
      ref === undefined ? [] : [{ field, ref, kind: "ssh" }];
    return [
      ...ssh(`${base}.connection.privateKey`, node.connection.privateKey),
      ...ssh(`${base}.connection.jump.privateKey`, node.connection.jump?.privateKey),
      ...node.gateways.flatMap((gateway, g): Use[] => [
        ...(gateway.token === undefined
          ? []
          : [{ field: `${base}.gateways[${g}].token`, ref: gateway.token, kind: "key" as const }]),
        ...identityRefs(gateway.nodeIdentity).map(({ field, ref }) => ({
          field: `${base}.gateways[${g}].nodeIdentity.${field}`,
          ref,
          kind: "key" as const,
        })),
        ...gateway.agents.flatMap((agent, a) =>
          agent.credentials.flatMap(({ secret, resolve }, c): Use[] =>
            resolve === "node"
              ? []
              : [{ field: `${base}.gateways[${g}].agents[${a}].credentials[${c}].secret`, ref: secret, kind: "key" }],
          ),
        ),
      ]),
    ];
  });
}

type Found = { readonly value: string; readonly version?: string | null } | { readonly problem: string };

function fromConfig(key: string): Found {
  const config = new pulumi.Config(CONFIG_NAMESPACE);
  const value = config.get(key);
  if (value === undefined) return { problem: `is not set (\`pulumi config set --secret ${CONFIG_NAMESPACE}:${key}\`)` };
  return isConfigSecret(`${CONFIG_NAMESPACE}:${key}`)
    ? { value }
    : { problem: `is stored in clear (set it again with \`pulumi config set --secret ${CONFIG_NAMESPACE}:${key}\`)` };
}

function fromFile(path: string): Found {
  let file: number | undefined;
  try {
    // without O_NONBLOCK, opening a named pipe would wait for its writer
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(file);
    if (!stat.isFile()) return { problem: "is not a regular file" };
    if ((stat.mode & 0o077) !== 0) return { problem: "can be read by others (`chmod 600` it)" };
    if (stat.uid !== process.getuid?.()) return { problem: "belongs to another user" };
    return { value: readFileSync(file, "utf8") };
  } catch (error) {
    return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})` };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function lookUp(ref: LocalRef): Found {
  switch (ref.scheme) {
    case "pulumi":
      return fromConfig(ref.key);
    case "env": {
      const value = process.env[ref.name];
      return value === undefined ? { problem: "is not set in this process's environment" } : { value };
    }
    case "file":
      return fromFile(ref.path);
  }
}

/** Every reference of the uses once, managers side by side. */
async function findAll(uses: readonly Use[]): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>();
  const managed = new Map<string, ManagedRef>();
  for (const { ref } of uses) {
    if (found.has(ref) || managed.has(ref)) continue;
    const parsed = parseSecretRef(ref);
    if (!parsed.ok) found.set(ref, { problem: parsed.problem });
    else if (isManaged(parsed.ref)) managed.set(ref, parsed.ref);
    else found.set(ref, lookUp(parsed.ref));
  }
  for (const [ref, reading] of await readManagers(managed)) {
    found.set(ref, reading instanceof ReadFailure ? { problem: `${reading.message}; ${reading.fix}` } : reading);
  }
  return found;
}

function keyProblem(value: string): string | undefined {
  const problem = secretValueProblem(value);
  if (problem !== undefined) return problem;
  return value.length < SHORTEST_KEY ? `has ${value.length} characters, too few for a key` : undefined;
}

function sshProblem(value: string): string | undefined {
  if (!/^-----BEGIN ([A-Z ]*PRIVATE KEY)-----\n[^]*\n-----END \1-----\n$/.test(value)) {
    return `is no whole private key (${value.length} characters)`;
  }
  return value.includes("ENCRYPTED")
    ? "is protected by a passphrase (put the key into your SSH agent instead)"
    : undefined;
}

/** A key file or a manager's text field usually ends with a newline that is no part of the key. */
function normalised(use: Use, value: string): string {
  if (use.kind === "key") return value.replace(/\r?\n$/, "");
  return value.endsWith("\n") ? value : `${value}\n`;
}

/** The secrets of a fleet, by reference. */
export interface ResolvedSecrets {
  readonly values: Readonly<Record<string, pulumi.Output<string>>>;
  /** As the manager names what it gave; without those that have none. */
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * Reads every secret of a fleet on the operator's machine, by reference: those in secret managers side by side, each once.
 * @throws {ComponentError} naming every field whose secret is missing, in clear or unusable; never a value.
 */
export async function resolveSecrets(fleet: FleetSpec): Promise<ResolvedSecrets> {
  const values: Record<string, pulumi.Output<string>> = {};
  const versions: Record<string, string> = {};
  const problems: string[] = [];
  const uses = usesOf(fleet);
  const all = await findAll(uses);
  for (const use of uses) {
    const found = all.get(use.ref) ?? { problem: "was not read" };
    if ("problem" in found) {
      problems.push(`${use.field}: ${use.ref} ${found.problem}`);
      continue;
    }
    const value = normalised(use, found.value);
    const problem = use.kind === "ssh" ? sshProblem(value) : keyProblem(value);
    if (problem !== undefined) problems.push(`${use.field}: the value of ${use.ref} ${problem}`);
    values[use.ref] = pulumi.secret(value);
    if (found.version !== undefined && found.version !== null) versions[use.ref] = found.version;
  }
  if (problems.length > 0) {
    throw new ComponentError(problems, "put the secrets in place as said above; nothing was contacted");
  }
  return { values, versions };
}
