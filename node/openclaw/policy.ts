import { createHash } from "node:crypto";
import type { StoredGeneration } from "../generation/store.ts";
import { writeFileAtomic } from "../lib/atomic.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readJsonOrNull } from "../lib/json-file.ts";
import { member } from "../lib/member.ts";
import { integer, object, text, textLike } from "../lib/shape.ts";
import { EXIT } from "../protocol.ts";
import type { PolicyAttestation } from "../protocol.ts";
import { complaint, oneLine } from "./cli.ts";
import type { Answer, OpenclawCli } from "./cli.ts";

interface AttestationRecord extends PolicyAttestation {
  /** What was judged: the runtime's version, the configuration and the rules. */
  readonly subject: string;
}

const vendorHash = textLike(/^sha256:[0-9a-f]{64}$/, "a hash as OpenClaw writes it");

const recordShape = object<AttestationRecord>({
  subject: text,
  attestationHash: vendorHash,
  policyHash: vendorHash,
  checks: integer(1, 100_000),
});

function subjectOf({ manifest, files }: StoredGeneration): string {
  const parts = [manifest.openclawVersion, files.config, files.policy ?? ""];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** What is on record of exactly this configuration and these rules; null when that was never judged. */
export async function recordedAttestation(
  home: GatewayHome,
  generation: StoredGeneration,
): Promise<PolicyAttestation | null> {
  const record = await readJsonOrNull(home.attestation, recordShape);
  if (record === null || record.subject !== subjectOf(generation)) return null;
  const { attestationHash, policyHash, checks } = record;
  return { attestationHash, policyHash, checks };
}

/** The rules that the plugin found broken, in the vendor's words; a rule is named once. */
function findings(answer: Answer): readonly string[] {
  const found = (member(answer.json, "findings") as readonly unknown[] | undefined) ?? [];
  return found.map((finding) => `${String(member(finding, "checkId"))}: ${String(member(finding, "message"))}`);
}

const SHOWN = 3;

/**
 * Asks OpenClaw's policy plugin about a configuration, and keeps what it attests: five to eight seconds of one processor
 * that an unchanged configuration need not pay again (measured, 2026.9.6). `config` names `policy` by its path.
 * @throws {PhaseFailure} `policy-finding`; `policy-undecided` when it has no verdict.
 */
export async function attestPolicy(
  home: GatewayHome,
  generation: StoredGeneration,
  { cli, config }: { readonly cli: OpenclawCli; readonly config: string },
): Promise<PolicyAttestation> {
  // the agent only says whose workspace a relative path would be in; ours is absolute
  const agent = generation.manifest.agents[0]?.id ?? "";
  const answer = await cli.run(["policy", "check", "--json", "--agent", agent], { configPath: config });
  const broken = findings(answer);
  if (broken.length > 0) {
    const more = broken.length > SHOWN ? ` and ${broken.length - SHOWN} more` : "";
    throw new PhaseFailure({
      layer: "config or disk",
      code: "policy-finding",
      message: `OpenClaw's policy check finds fault with the configuration: ${cli.redact(oneLine(broken.slice(0, SHOWN).join("; ")))}${more}`,
      fix: "report it with this message: configuration and policy.jsonc are rendered from the same spec; the live gateway was not touched",
      exit: EXIT.gate,
    });
  }
  const attestation = {
    attestationHash: member(answer.json, "attestation", "attestationHash"),
    policyHash: member(answer.json, "attestation", "policy", "hash"),
    checks: member(answer.json, "checksRun"),
  };
  try {
    if (answer.result.status !== 0 || member(answer.json, "ok") !== true) throw new Error("not ok");
    const record = recordShape({ subject: subjectOf(generation), ...attestation }, "policy check");
    await writeFileAtomic(home.attestation, `${JSON.stringify(record)}\n`, { mode: 0o600 });
    return { attestationHash: record.attestationHash, policyHash: record.policyHash, checks: record.checks };
  } catch (error) {
    throw new PhaseFailure({
      layer: "config or disk",
      code: "policy-undecided",
      message: `OpenClaw's policy check has no verdict on the configuration: ${cli.redact(complaint(answer))}`,
      fix: "run `openclaw policy check` on the node as the gateway user; the live gateway was not touched",
      exit: EXIT.gate,
      cause: error,
    });
  }
}
