import type { StackOutputs } from "../operations/outputs.ts";
import { openStack } from "../operations/stack.ts";
import type { SshAccess } from "../sandbox/node/index.ts";
import { liveGateways, type LiveGateway } from "./live.ts";
import { attachMachine } from "./machine.ts";
import { readRecord } from "./record.ts";
import { DEMO, type DemoPaths } from "./settings.ts";
import { gatewayTable } from "./table.ts";

/** What `demo -- status --json` prints. */
export interface DemoStatus {
  readonly ssh: SshAccess;
  readonly gateways: readonly {
    readonly name: string;
    readonly user: string;
    readonly port: number;
    readonly unit: string;
    /** Of the unit, as systemd says. */
    readonly unitState: string;
    /** The live one, read on the node. */
    readonly generation: string;
    /** `ready`, or what is wrong. */
    readonly health: string;
    readonly agents: readonly {
      readonly id: string;
      readonly provider: string;
      readonly variable: string;
      readonly fingerprint: string;
    }[];
  }[];
}

/**
 * Prints how the demo is now: the stack says what should be there, the machine what is.
 * @returns whether every gateway is ready.
 */
export async function demoStatus(json: boolean, paths: DemoPaths): Promise<boolean> {
  const record = await readRecord(paths.record);
  const machine = record && (await attachMachine(record, paths));
  if (machine === undefined) {
    process.stderr.write("the demo does not run here; `npm run demo` starts it\n");
    if (json) process.stdout.write(`${JSON.stringify({ gateways: [] })}\n`);
    return false;
  }
  const stack = await openStack({
    stack: DEMO.stack,
    stateDir: paths.stack,
    // no plugin runs here, so that none is looked for on the network
    plugins: "stand-in",
    progress: () => undefined,
  });
  const outputs = await stack.outputs();
  const node = outputs.nodes[DEMO.node];
  const live = node === undefined ? {} : await liveGateways(machine, node);
  if (json) process.stdout.write(`${JSON.stringify(statusOf(machine.ssh, outputs, live), null, 2)}\n`);
  else if (node === undefined) process.stdout.write("the machine runs, but nothing was provisioned yet\n");
  else process.stdout.write(`${gatewayTable(DEMO.node, node, live)}\n`);
  const states = Object.values(live);
  return states.length > 0 && states.every(({ health }) => health === "ready");
}

/** The stack's outputs and the machine's state as one document. */
export function statusOf(
  ssh: SshAccess,
  outputs: StackOutputs,
  live: Readonly<Record<string, LiveGateway>>,
): DemoStatus {
  const gateways = Object.values(outputs.nodes).flatMap((node) =>
    Object.entries(node.gateways).map(([name, { user, port, unit, agents }]) => ({
      name,
      user,
      port,
      unit,
      unitState: live[name]?.unitState ?? "unknown",
      generation: live[name]?.generation ?? "",
      health: live[name]?.health ?? "no answer",
      agents: Object.entries(agents).flatMap(([id, { credentials }]) =>
        credentials.flatMap((credential) =>
          credential.resolve === "node"
            ? []
            : [
                {
                  id,
                  provider: credential.provider,
                  variable: credential.variable,
                  fingerprint: credential.fingerprint,
                },
              ],
        ),
      ),
    })),
  );
  return { ssh, gateways };
}
