import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureDirectory, writeFileAtomic } from "../lib/atomic.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { EXIT } from "../protocol.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { OpenclawCli, complaint, member, oneLine } from "./cli.ts";
import type { Answer } from "./cli.ts";

/** Copies for the vendor's writers: `secrets apply` leaves a `.bak` beside the configuration and rewrites it. */
async function withCandidate<T>(
  home: GatewayHome,
  { files }: StoredGeneration,
  work: (paths: { readonly checked: string; readonly written: string; readonly plan: string }) => Promise<T>,
): Promise<T> {
  await rm(home.candidate, { recursive: true, force: true });
  await ensureDirectory(home.candidate, { mode: 0o700 });
  try {
    const [checked, written, plan] = ["checked.json", "openclaw.json", "secrets-plan.json"].map((name) =>
      join(home.candidate, name),
    ) as [string, string, string];
    for (const path of [checked, written]) await writeFileAtomic(path, files.config, { mode: 0o600 });
    await writeFileAtomic(plan, files.secretsPlan, { mode: 0o600 });
    return await work({ checked, written, plan });
  } finally {
    await rm(home.candidate, { recursive: true, force: true });
  }
}

function checkValidation(validation: Answer, cli: OpenclawCli, version: string): void {
  if (validation.result.status === 0 && member(validation.json, "valid") === true) return;
  const [issue] = (member(validation.json, "issues") as readonly unknown[] | undefined) ?? [];
  const detail =
    issue === undefined
      ? complaint(validation)
      : oneLine(`${String(member(issue, "path"))}: ${String(member(issue, "message"))}`);
  throw new PhaseFailure({
    layer: "config or disk",
    code: "config-invalid",
    message: `OpenClaw ${version} refuses the new configuration: ${cli.redact(detail)}`,
    fix: "correct the field in the spec that this setting comes from; the live gateway was not touched",
    exit: EXIT.gate,
  });
}

/**
 * Asks the runtime of the generation whether it accepts the configuration, and lets it write the agents' auth profiles
 * (references only) meanwhile. Neither touches the live configuration. A profile that no generation names any more stays
 * in the agent's store: `models auth logout` refuses beside a live configuration that does not know the agent (measured,
 * 2026.9.6), its reference leads to no variable, and the explicit auth order leaves it out.
 * @throws {PhaseFailure} `config-invalid`, `secrets-apply`.
 */
export async function acceptCandidate(home: GatewayHome, generation: StoredGeneration): Promise<void> {
  const cli = new OpenclawCli(generation);
  await withCandidate(home, generation, async ({ checked, written, plan }) => {
    const [validation, applied] = await Promise.all([
      cli.run(["config", "validate", "--json"], { configPath: checked }),
      cli.run(["secrets", "apply", "--from", plan, "--json"], { configPath: written }),
    ]);
    checkValidation(validation, cli, generation.manifest.openclawVersion);
    if (applied.result.status === 0) return;
    throw new PhaseFailure({
      layer: "provider credential",
      code: "secrets-apply",
      message: `\`openclaw secrets apply\` failed: ${cli.redact(complaint(applied))}`,
      fix: "run the agent phases again (`pulumi up --replace` with their URNs); the live gateway was not touched",
      exit: EXIT.gate,
    });
  });
}
