import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureDirectory, writeFileAtomic } from "../lib/atomic.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { EXIT } from "../protocol.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { OpenclawCli, complaint, member, oneLine } from "./cli.ts";

/**
 * Runs `work` with a copy of the generation's configuration and secrets plan that the vendor's writers may change:
 * `secrets apply` leaves a `.bak` beside the configuration and rewrites it.
 */
export async function withCandidate<T>(
  home: GatewayHome,
  generation: StoredGeneration,
  work: (candidate: { readonly cli: OpenclawCli; readonly config: string; readonly plan: string }) => Promise<T>,
): Promise<T> {
  await rm(home.candidate, { recursive: true, force: true });
  await ensureDirectory(home.candidate, { mode: 0o700 });
  try {
    const config = join(home.candidate, "openclaw.json");
    const plan = join(home.candidate, "secrets-plan.json");
    await writeFileAtomic(config, generation.files.config, { mode: 0o600 });
    await writeFileAtomic(plan, generation.files.secretsPlan, { mode: 0o600 });
    return await work({ cli: new OpenclawCli(generation), config, plan });
  } finally {
    await rm(home.candidate, { recursive: true, force: true });
  }
}

/**
 * Asks the runtime of the generation whether it accepts the configuration, then lets it write the agents' auth profiles
 * (references only). Neither touches the live configuration. A profile that no generation names any more stays in the
 * agent's store: `models auth logout` refuses beside a live configuration that does not know the agent (measured,
 * 2026.9.6), its reference leads to no variable, and the explicit auth order leaves it out.
 * @throws {PhaseFailure} `config-invalid`, `secrets-apply`.
 */
export async function acceptCandidate(home: GatewayHome, generation: StoredGeneration): Promise<void> {
  await withCandidate(home, generation, async ({ cli, config, plan }) => {
    const validation = await cli.run(["config", "validate", "--json"], { configPath: config });
    if (validation.result.status !== 0 || member(validation.json, "valid") !== true) {
      const [issue] = (member(validation.json, "issues") as readonly unknown[] | undefined) ?? [];
      const detail =
        issue === undefined
          ? complaint(validation)
          : oneLine(`${String(member(issue, "path"))}: ${String(member(issue, "message"))}`);
      throw new PhaseFailure({
        layer: "config or disk",
        code: "config-invalid",
        message: `OpenClaw ${generation.manifest.openclawVersion} refuses the new configuration: ${cli.redact(detail)}`,
        fix: "correct the field in the spec that this setting comes from; the live gateway was not touched",
        exit: EXIT.gate,
      });
    }
    const applied = await cli.run(["secrets", "apply", "--from", plan, "--json"], { configPath: config });
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
