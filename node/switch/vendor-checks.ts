import { agentsWithKeyFile } from "../generation/manifest.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { member } from "../lib/member.ts";
import { OpenclawCli, complaint, oneLine } from "../openclaw/cli.ts";
import type { Answer } from "../openclaw/cli.ts";
import type { Context } from "../phase.ts";
import { gateFailure } from "./gate-failure.ts";
import { waitUntilReady } from "./start-watch.ts";
import type { StartWatch } from "./start-watch.ts";

/** `models status --check`: 0 usable, 2 usable but expiring (facts: openclaw.md 3). */
const USABLE = new Set<number | null>([0, 2]);

function checkStatus(answer: Answer, cli: OpenclawCli, { platform }: Pick<Context, "platform">): void {
  const { json } = answer;
  if (platform.vendorSeesService) checkService(json);
  const session = member(json, "rpc", "ok") === true;
  // where it does not find the unit its exit status is about that, too
  if (session && (answer.result.status === 0 || !platform.vendorSeesService)) return;
  const failure = member(json, "rpc", "connectFailure");
  const detail = member(failure, "detailCode") ?? member(failure, "kind");
  const error = member(json, "rpc", "error");
  throw gateFailure(
    "gateway session",
    typeof detail === "string" ? detail.toLowerCase().replaceAll("_", "-") : "rpc",
    `a session with the gateway token is not possible: ${cli.redact(typeof error === "string" ? oneLine(error) : complaint(answer))}`,
    "the gateway runs, but does not accept the token of its own environment file; look at `gateway.auth` in openclaw.json",
  );
}

function checkService(json: unknown): void {
  const audit = member(json, "service", "configAudit");
  if (member(json, "service", "loaded") !== true || member(audit, "ok") !== true) {
    const issues = (member(audit, "issues") as readonly unknown[] | undefined) ?? [];
    const codes = issues.map((issue) => String(member(issue, "code")));
    throw gateFailure(
      "config or disk",
      "unit-audit",
      `OpenClaw finds fault with the service definition: ${codes.length === 0 ? "it is not loaded" : codes.join(", ")}`,
      "report it with this message: the unit is rendered by Gatehouse; run `openclaw gateway status` on the node for details",
    );
  }
}

/** Only profiles that rest after an earlier refusal of the provider: that says nothing about the key they have now. */
function onlyCoolingDown(json: unknown): boolean {
  const auth = member(json, "auth");
  const unusable = (member(auth, "unusableProfiles") as readonly unknown[] | undefined) ?? [];
  const missing = (member(auth, "missingProvidersInUse") as readonly unknown[] | undefined) ?? [];
  return (
    unusable.length > 0 && missing.length === 0 && unusable.every((profile) => member(profile, "kind") === "cooldown")
  );
}

/**
 * Nothing is known to be wrong and the key is in a file: OpenClaw's command line confirms keys of variables only
 * (measured, 2026.9.6: `indeterminate` also for one that the gateway reads well).
 */
function onlyIndeterminate(json: unknown): boolean {
  const auth = member(json, "auth");
  const unusable = (member(auth, "unusableProfiles") as readonly unknown[] | undefined) ?? [];
  const missing = (member(auth, "missingProvidersInUse") as readonly unknown[] | undefined) ?? [];
  const issues = (member(auth, "modelRouteIssues") as readonly unknown[] | undefined) ?? [];
  return (
    unusable.length + missing.length === 0 &&
    issues.length > 0 &&
    issues.every((issue) => member(issue, "kind") === "indeterminate")
  );
}

function checkAgent(
  agent: string,
  answer: Answer,
  { cli, generation, context }: { cli: OpenclawCli; generation: StoredGeneration; context: Context },
): void {
  if (USABLE.has(answer.result.status)) return;
  if (agentsWithKeyFile(generation.manifest).includes(agent) && onlyIndeterminate(answer.json)) {
    context.progress(`agent '${agent}': OpenClaw cannot confirm a key from a file; its next turn shows it`);
    return;
  }
  if (onlyCoolingDown(answer.json)) {
    context.progress(`agent '${agent}': its provider refused the previous key; OpenClaw waits before it tries again`);
    return;
  }
  const missing = (member(answer.json, "auth", "missingProvidersInUse") as readonly unknown[] | undefined) ?? [];
  const [issue] = (member(answer.json, "auth", "modelRouteIssues") as readonly unknown[] | undefined) ?? [];
  const cause =
    missing.length > 0
      ? `no usable key for ${missing.map(String).join(", ")}`
      : cli.redact(
          issue === undefined ? complaint(answer) : oneLine(String(member(issue, "message") ?? member(issue, "kind"))),
        );
  throw gateFailure(
    "provider credential",
    "agent-credential",
    `agent '${agent}' cannot use its model: ${cause}`,
    `check the credential of agent '${agent}' in the spec and in the secret manager`,
  );
}

function askAgent(cli: OpenclawCli, id: string): Promise<Answer> {
  return cli.run(["models", "status", "--json", "--check", "--agent", id]);
}

function askStatus(cli: OpenclawCli): Promise<Answer> {
  return cli.run(["gateway", "status", "--json", "--require-rpc"]);
}

/**
 * A session of the vendor's own with the gateway token, and its view of the service.
 * @throws {PhaseFailure} `unit-audit`, or what the vendor calls the refusal.
 */
export async function checkSession(generation: StoredGeneration, context: Context): Promise<void> {
  const cli = await OpenclawCli.of(generation);
  checkStatus(await askStatus(cli), cli, context);
}

export interface StartChecks extends Omit<StartWatch, "onListening"> {
  /** The last confirmed generation, whose token has to be refused if it is another one; null when there is none. */
  readonly before: StoredGeneration | null;
}

/**
 * Waits for the start and asks everything: the service, a session, and every agent's credential.
 *
 * A start leaves half of two processors idle, so the vendor's commands begin before it is done: the agents' at once, the
 * session's when the gateway listens (measured: five seconds of every change). One that was too early is run again.
 * A first start makes the vendor's database and wants it for itself: there the agents' commands wait, too (seen with four
 * agents: `StateDatabaseCoordinatorContentionError`, and the start was over).
 */
export async function checkEverything(
  generation: StoredGeneration,
  context: Context,
  { before, ...watch }: StartChecks,
): Promise<void> {
  const cli = await OpenclawCli.of(generation);
  const agents = generation.manifest.agents.map(({ id }) => id);
  const early = new Map<string, Promise<Answer>>();
  const askAgents = (): void => {
    for (const id of agents) if (!early.has(id)) early.set(id, begun(askAgent(cli, id)));
  };
  let status: Promise<Answer> | undefined;
  try {
    if (before !== null) askAgents();
    const onListening = (): void => {
      askAgents();
      status = begun(askStatus(cli));
    };
    await waitUntilReady(generation, context, { ...watch, onListening });
  } finally {
    // Whatever follows must find no command at work on this gateway's state.
    await Promise.allSettled([...early.values(), status]);
  }
  const [statusAnswer, ...answers] = await Promise.all([
    orAgain(status, () => askStatus(cli)),
    ...agents.map(async (id) => [id, await orAgain(early.get(id), () => askAgent(cli, id))] as const),
  ]);
  checkStatus(statusAnswer, cli, context);
  for (const [agent, answer] of answers) checkAgent(agent, answer, { cli, generation, context });
}

/**
 * Makes the running gateway read its key file again.
 * @throws {PhaseFailure} `secrets-reload` when it does not, or goes on with an earlier key.
 */
export async function reloadSecrets(generation: StoredGeneration): Promise<void> {
  const cli = await OpenclawCli.of(generation);
  const answer = await cli.run(["secrets", "reload", "--json"]);
  // a key that cannot be read is a warning to OpenClaw: it goes on with the one before
  if (answer.result.status === 0 && member(answer.json, "ok") === true && member(answer.json, "warningCount") === 0)
    return;
  throw gateFailure(
    "provider credential",
    "secrets-reload",
    `the running gateway did not take its keys from the file again: ${cli.redact(complaint(answer))}`,
    "read the unit's log for SECRETS_DEGRADED, which names the owner; the keys before are in force",
  );
}

/** A command at work beside the start. That it could not be run at all is told when its answer is read, not before. */
function begun(answer: Promise<Answer>): Promise<Answer> {
  answer.catch(() => undefined);
  return answer;
}

/** The early answer if it is a good one, else the answer of now. */
async function orAgain(early: Promise<Answer> | undefined, ask: () => Promise<Answer>): Promise<Answer> {
  const answer = await early;
  return answer?.result.status === 0 ? answer : await ask();
}
