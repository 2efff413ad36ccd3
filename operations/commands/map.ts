import type { Command } from "commander";
import { check } from "../check/check.ts";
import { common, note, open, run, withFleet, withPolicies, type Result, type RunFlags } from "../command-line.ts";
import { mermaid, svg } from "../map/draw.ts";
import { fleetMap } from "../map/graph.ts";
import { stackFleet, violatedRules, writeImage } from "../map/sources.ts";

interface MapFlags extends RunFlags {
  readonly svg?: string;
  readonly check?: true;
}

async function drawMap(flags: MapFlags): Promise<Result> {
  const stack = await open(flags, flags.check === true ? {} : { policyPack: false });
  const fleet = await stackFleet(stack);
  const found = flags.check === true ? await check(() => Promise.resolve(stack)) : undefined;
  if (found?.verdict === "undecided") note("the policies could not be asked: no violation is marked");
  const map = fleetMap(fleet, violatedRules(found?.violations ?? []));
  if (flags.svg === undefined) return { json: map, text: mermaid(map) };
  await writeImage(flags.svg, await svg(map));
  return { json: map, text: `wrote ${flags.svg}` };
}

export function mapCommand(): Command {
  return withPolicies(withFleet(common("map", "draw who reaches what, as a Mermaid flowchart; contacts no machine")))
    .option("--svg <file>", "as an image, into a file")
    .option("--check", "ask the policies, too, and mark what they refuse")
    .action((flags: MapFlags) => run(flags, () => drawMap(flags)));
}
