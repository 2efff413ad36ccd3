import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureDirectory, writeFileAtomic } from "../lib/atomic.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { member } from "../lib/member.ts";
import { EXIT } from "../protocol.ts";
import type { PolicyAttestation } from "../protocol.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { OpenclawCli, complaint, oneLine } from "./cli.ts";
import type { Answer } from "./cli.ts";
import { attestPolicy, recordedAttestation } from "./policy.ts";

/** Copies for the vendor's writer: `secrets apply` leaves a `.bak` beside the configuration and rewrites it. */
async function withCandidate<T>(
  home: GatewayHome,
  { files }: StoredGeneration,
  work: (copies: { readonly config: string; readonly plan: string }) => Promise<T>,
): Promise<T> {
  await rm(home.candidate, { recursive: true, force: true });
  await ensureDirectory(home.candidate, { mode: 0o700 });
  try {
    const config = join(home.candidate, "openclaw.json");
    const plan = join(home.candidate, "secrets-plan.json");
    // `secrets apply` reads every key once, and those of this generation are not live yet
    const keys = join(home.candidate, "keys.json");
    if (files.keys !== undefined) await writeFileAtomic(keys, files.keys, { mode: 0o600 });
    // the rules of this generation are not live yet either
    const policy = join(home.candidate, "policy.jsonc");
    if (files.policy !== undefined) await writeFileAtomic(policy, files.policy, { mode: 0o600 });
    const text = files.config
      .replaceAll(JSON.stringify(home.keys), JSON.stringify(keys))
      .replaceAll(JSON.stringify(home.policy), JSON.stringify(policy));
    await writeFileAtomic(config, text, { mode: 0o600 });
    await writeFileAtomic(plan, files.secretsPlan, { mode: 0o600 });
    return await work({ config, plan });
  } finally {
    await rm(home.candidate, { recursive: true, force: true });
  }
}

/** What `config validate` has against a configuration; undefined when nothing. */
function objection(validation: Answer): string | undefined {
  if (validation.result.status === 0 && member(validation.json, "valid") === true) return undefined;
  const [issue] = (member(validation.json, "issues") as readonly unknown[] | undefined) ?? [];
  if (issue === undefined) return complaint(validation);
  return oneLine(`${String(member(issue, "path"))}: ${String(member(issue, "message"))}`);
}

interface Copies {
  readonly cli: OpenclawCli;
  readonly config: string;
  readonly plan: string;
}

async function applySecrets(generation: StoredGeneration, { cli, config, plan }: Copies): Promise<void> {
  const applied = await cli.run(["secrets", "apply", "--from", plan, "--json"], { configPath: config });
  if (applied.result.status === 0) return;
  const reason = objection(await cli.run(["config", "validate", "--json"], { configPath: config }));
  if (reason !== undefined) {
    throw new PhaseFailure({
      layer: "config or disk",
      code: "config-invalid",
      message: `OpenClaw ${generation.manifest.openclawVersion} refuses the new configuration: ${cli.redact(reason)}`,
      fix: "correct the field in the spec that this setting comes from; the live gateway was not touched",
      exit: EXIT.gate,
    });
  }
  throw new PhaseFailure({
    layer: "provider credential",
    code: "secrets-apply",
    message: `\`openclaw secrets apply\` failed: ${cli.redact(complaint(applied))}`,
    fix: "run the agent phases again (`pulumi up --replace` with their URNs); the live gateway was not touched",
    exit: EXIT.gate,
  });
}

/**
 * Lets the runtime of the generation accept the configuration and write the agents' auth profiles, which hold references
 * only, and its policy plugin judge it. `secrets apply` validates the configuration before it writes anything (measured,
 * 2026.9.6: unknown key, wrong type, wrong port and broken syntax are all refused), so `config validate` is asked for
 * the reason only: two seconds of every change. The live configuration is not touched.
 *
 * A profile that no generation names any more stays in the agent's store: `models auth logout` refuses beside a live
 * configuration that does not know the agent (measured, 2026.9.6), its reference leads to no variable, and the explicit
 * auth order leaves it out.
 * @throws {PhaseFailure} `config-invalid`, `secrets-apply`, `credential-unresolved`, `policy-finding`, `policy-undecided`.
 */
export async function acceptCandidate(
  home: GatewayHome,
  generation: StoredGeneration,
): Promise<PolicyAttestation | null> {
  const cli = await OpenclawCli.of(generation);
  return await withCandidate(home, generation, async ({ config, plan }) => {
    const attested =
      generation.files.policy === undefined ? Promise.resolve(null) : attestPolicy(home, generation, { cli, config });
    // a configuration that is refused has no verdict either, and the refusal says why; nothing may outlive the copies
    const [applied] = await Promise.allSettled([applySecrets(generation, { cli, config, plan }), attested]);
    if (applied.status === "rejected") throw applied.reason;
    return await attested;
  });
}

/**
 * What OpenClaw's policy plugin attests of a configuration that the runtime accepted before: from the record, or asked.
 * @throws {PhaseFailure} `credential-unresolved`, `policy-finding`, `policy-undecided`.
 */
export async function attestation(home: GatewayHome, generation: StoredGeneration): Promise<PolicyAttestation | null> {
  if (generation.files.policy === undefined) return null;
  const recorded = await recordedAttestation(home, generation);
  if (recorded !== null) return recorded;
  const cli = await OpenclawCli.of(generation);
  return await withCandidate(home, generation, ({ config }) => attestPolicy(home, generation, { cli, config }));
}
