import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { dirname } from "node:path";
import { EXIT } from "../protocol.ts";
import type { Platform } from "../platform/index.ts";
import { isSealed, publicText, unseal } from "../sealed.ts";
import { ensureDirectory, writeFileAtomic } from "./atomic.ts";
import { PhaseFailure } from "./failure.ts";
import { readTextOrNull } from "./json-file.ts";
import { checkMachine } from "./machine.ts";
import type { NodePaths } from "./paths.ts";

async function readSealingKey(paths: NodePaths): Promise<KeyObject | undefined> {
  const pem = await readTextOrNull(paths.sealingKey);
  return pem === null ? undefined : createPrivateKey(pem);
}

/** The public half of this node's sealing key, which is made at the first call; the caller holds a lock. */
export async function ensureSealingKey(paths: NodePaths): Promise<string> {
  const existing = await readSealingKey(paths);
  if (existing !== undefined) return publicText(existing);
  const { privateKey } = generateKeyPairSync("x25519");
  await ensureDirectory(dirname(paths.sealingKey), { mode: 0o700 });
  await writeFileAtomic(paths.sealingKey, String(privateKey.export({ type: "pkcs8", format: "pem" })), { mode: 0o600 });
  return publicText(privateKey);
}

/**
 * A payload as it was meant: what is not sealed comes back as it is.
 * @throws {PhaseFailure} `machine-changed` when this is another machine than the provisioned one, `sealed` when the node
 * lost its key.
 */
export async function openPayload(
  payload: unknown,
  { paths, platform }: { readonly paths: NodePaths; readonly platform: Platform },
): Promise<unknown> {
  if (!isSealed(payload)) return payload;
  try {
    const key = await readSealingKey(paths);
    if (key !== undefined) return JSON.parse(unseal(payload, key)) as unknown;
  } catch {
    // another key, or damage: what that means is said below, the reason could quote the key
  }
  await checkMachine({ known: true }, { paths, platform });
  throw new PhaseFailure({
    layer: "host",
    code: "sealed",
    message: "this payload was sealed for another key than this node has now",
    fix: "let the node say its key again: `pulumi up --replace` with the URN of this gateway's account phase",
    exit: EXIT.refused,
  });
}
