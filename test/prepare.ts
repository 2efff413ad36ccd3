import { ensurePulumi } from "../sandbox/engine/cli.ts";
import { canRunNode, ensureRootfs } from "../sandbox/node/index.ts";
import { provisionedBase } from "./engine/node-fixture.ts";

/**
 * Makes what the engine tests stand on, once, before they start side by side: the Pulumi CLI and the node's base system.
 * Exit status 0 when it is there, or cannot be on this machine, which the tests then say themselves.
 */
const note = (line: string): void => void process.stderr.write(`${line}\n`);
const cli = await ensurePulumi({}, note);
note(`Pulumi ${cli.version} (${cli.source})`);
if ((await canRunNode()).ok) {
  note(`base system: ${await ensureRootfs(note)}`);
  note(`with Node and OpenClaw: ${await provisionedBase()}`);
}
