import { access } from "node:fs/promises";
import { join } from "node:path";
import type { OperatorRef } from "../spec/index.ts";
import { runTool, textOf, toolFailure, type Tool } from "./command.ts";
import type { ReadContext, Reading } from "./failure.ts";

type PassRef = Extract<OperatorRef, { readonly scheme: "pass" }>;

/** Texts of pass 1.7.4 with GnuPG 2.2 (measured). */
const PASS: Tool = {
  name: "pass",
  login: "unlock the key once in this session (`pass show NAME`), or use a key without a passphrase in CI",
  variables: ["PASSWORD_STORE_*", "GNUPGHOME", "GPG_AGENT_INFO"],
  complaints: [
    [/is not in the password store/i, "not found"],
    [/No secret key|public key decryption failed|No pinentry|decryption failed/i, "not signed in"],
    [/no valid OpenPGP data/i, "unusable"],
  ],
};

/** Reads the first line of an entry with `pass show`; the passphrase is never asked for. */
export async function readPass({ path }: PassRef, context: ReadContext): Promise<Reading> {
  const { env } = context;
  const store = env["PASSWORD_STORE_DIR"] ?? join(env["HOME"] ?? "/", ".password-store");
  // a folder's name would print a tree, with exit 0
  await access(join(store, `${path}.gpg`)).catch(() => {
    throw toolFailure(PASS, "not found", `not found (no such entry in ${store})`);
  });
  const { stdout: printed } = await runTool(PASS, ["pass", "show", path], context, {
    PASSWORD_STORE_GPG_OPTS: "--batch --no-tty --pinentry-mode error",
  });
  return { value: textOf(PASS, printed.split("\n")[0]), version: null };
}
