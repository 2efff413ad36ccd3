import { readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { ResolveFailure } from "./failure.ts";
import { IDENTITY_VARIABLES, launchPlan } from "./plan.ts";
import type { LaunchPlan } from "./plan.ts";
import { launchRecord } from "./record.ts";
import { resolvePlan } from "./resolve.ts";
import type { Resolved } from "./resolve.ts";

/** sysexits.h: the unit's `Restart=` tries again, or `RestartPreventExitStatus=78` keeps it from that. */
const STATUS = { "try again": 75, "needs a person": 78 } as const;
const PRIORITY = { error: "<3>", notice: "<5>" } as const;

/** One line of the journal, written before anything else can happen. */
function say(priority: keyof typeof PRIORITY, text: string): void {
  writeSync(2, `${PRIORITY[priority]}gatehouse: ${text.replace(/\s+/g, " ")}\n`);
}

function note(path: string, resolved: readonly Resolved[]): void {
  const temporary = `${path}.${process.pid}`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, launchRecord(process.pid, resolved), { mode: 0o600, flag: "wx" });
  renameSync(temporary, path);
}

/** The gateway's environment: what systemd gave, without the node's identity, with the keys. */
function environment(resolved: readonly Resolved[]): Record<string, string> {
  const hidden: readonly string[] = Object.values(IDENTITY_VARIABLES);
  const given = Object.entries(process.env).filter(
    (entry): entry is [string, string] => !hidden.includes(entry[0]) && entry[1] !== undefined,
  );
  return { ...Object.fromEntries(given), ...Object.fromEntries(resolved.map((one) => [one.variable, one.value])) };
}

function planAt(path: string | undefined): LaunchPlan {
  try {
    return launchPlan(JSON.parse(readFileSync(path ?? "", "utf8")), "plan");
  } catch (error) {
    const why = error instanceof Error ? error.message : "error";
    throw new ResolveFailure("needs a person", `cannot use the launch plan: ${why}`, "apply the gateway again", {
      cause: error,
    });
  }
}

/** `launch.mjs PLAN COMMAND ARGUMENT…`: resolves the plan and becomes the command, in the same process. */
async function launch([planPath, command, ...args]: readonly string[]): Promise<void> {
  const plan = planAt(planPath);
  if (command === undefined)
    throw new ResolveFailure("needs a person", "no command to start", "apply the gateway again");
  // managers inside a company are certified by the authority that the machine trusts, not by Node's own list
  setDefaultCACertificates([...getCACertificates("default"), ...getCACertificates("system")]);
  const started = performance.now();
  const resolved = await resolvePlan(plan, process.env);
  note(plan.recordPath, resolved);
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  for (const { reference, variable, version } of resolved) {
    say("notice", `${variable} is ${reference}${version === null ? "" : ` version ${version}`} (${seconds} s)`);
  }
  if (process.execve === undefined) {
    throw new ResolveFailure("needs a person", "this Node has no process.execve", "use the Node that Gatehouse pins");
  }
  process.execve(command, [command, ...args], environment(resolved));
}

try {
  await launch(process.argv.slice(2));
} catch (error) {
  if (error instanceof ResolveFailure) {
    say("error", `${error.message}; fix: ${error.fix}`);
    process.exit(STATUS[error.outlook]);
  }
  say("error", `the launcher failed: ${error instanceof Error ? `${error.name}: ${error.message}` : "error"}`);
  process.exit(STATUS["needs a person"]);
}
