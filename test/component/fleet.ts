import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import program from "../../index.ts";
import type { IssuedCredential } from "../../node/protocol.ts";
import type { FleetInput } from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";
import { mockedRun, type MockedRun, type RunOptions } from "./mocked-run.ts";

/** Values that nothing visible may contain. */
export const KEYS = {
  "research-anthropic": "sk-ant-api03-CANARYresearch0123456789abcdefABCDEF",
  "builder-anthropic": "sk-ant-api03-CANARYbuilder0123456789abcdefABCDEF",
} as const;

export const SSH_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nSSH-CANARY\n-----END OPENSSH PRIVATE KEY-----\n";

/** A directory with the operator's SSH key in it. */
export class OperatorFiles {
  readonly directory = mkdtempSync(join(tmpdir(), "gatehouse-component-"));
  readonly sshKey = this.write("ssh-key", SSH_KEY, 0o600);

  write(name: string, content: string, mode: number): string {
    const path = join(this.directory, name);
    writeFileSync(path, content, { mode });
    return path;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}

type NodeInput = FleetInput["nodes"][number];

/** The valid fleet's only node, reached with that SSH key, after `change`. */
export function fleetWith(sshKey: string, change: (node: NodeInput) => NodeInput = (same) => same): FleetInput {
  const fleet: FleetInput = validFleet();
  const [node] = fleet.nodes;
  if (node === undefined) throw new Error("the valid fleet has no node");
  const connection = { ...node.connection, privateKey: `file://${sshKey}` };
  const downloads = { registry: "https://registry.example.com/" };
  return { ...fleet, nodes: [change({ ...node, connection, downloads })] };
}

export interface FleetRun {
  readonly preview?: boolean;
  /** By key without the namespace; default `KEYS`. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Stored without encryption. */
  readonly clear?: Readonly<Record<string, string>>;
  readonly onRegister?: (name: string) => void;
  /** What the nodes say about the age of their credentials; default nothing. */
  readonly issued?: readonly IssuedCredential[];
  readonly otherStacks?: RunOptions["otherStacks"];
  readonly readMs?: number;
  readonly observed?: RunOptions["observed"];
}

/** Runs the program of `index.ts` for a fleet. */
export async function runFleet(fleet: FleetInput, options: FleetRun = {}): Promise<MockedRun> {
  const named = (values: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`gatehouse:${key}`, value]));
  const secrets = named(options.secrets ?? KEYS);
  return mockedRun(program, {
    config: { "gatehouse:fleet": JSON.stringify(fleet), ...secrets, ...named(options.clear ?? {}) },
    secretKeys: Object.keys(secrets),
    ...(options.preview !== undefined && { preview: options.preview }),
    ...(options.onRegister !== undefined && { onRegister: options.onRegister }),
    ...(options.issued !== undefined && { issued: options.issued }),
    ...(options.observed !== undefined && { observed: options.observed }),
    ...(options.readMs !== undefined && { readMs: options.readMs }),
    ...(options.otherStacks !== undefined && { otherStacks: options.otherStacks }),
  });
}
