import type { OperatorRef } from "../spec/index.ts";
import { runTool, textOf, toolFailure, type Tool } from "./command.ts";
import type { ReadContext, Reading } from "./failure.ts";

type KeychainRef = Extract<OperatorRef, { readonly scheme: "keychain" }>;

/** Texts of Apple's `security`, from its documentation; not run here. */
const SECURITY: Tool = {
  name: "macOS's `security`",
  login: "`security unlock-keychain` in this session (the login keychain stays locked over SSH)",
  variables: [],
  complaints: [
    [/could not be found in the keychain/i, "not found"],
    [/User interaction is not allowed|keychain is locked/i, "not signed in"],
    [/not authorized|user canceled|Authorization/i, "denied"],
  ],
};

/** What `-w` prints for a value with a byte that does not print, and for a key that is written this way. */
const HEX = /^(?:[0-9a-f]{2})+$/i;

/**
 * Reads a generic password of the operator's keychain.
 *
 * `-w` prints a value with a line break, an accent and the like as hex, without saying so; a key that consists of hex
 * digits looks the same. `-g` tells them apart: `password: 0x6B65790A  "key\012"` or `password: "6b65790a"` (measured by
 * others on macOS 26; not run here). It is asked where there is a doubt, and no answer is none.
 */
export async function readKeychain({ service, account }: KeychainRef, context: ReadContext): Promise<Reading> {
  const find = ["security", "find-generic-password", "-s", service, "-a", account] as const;
  const shown = (await runTool(SECURITY, [...find, "-w"], context)).stdout.replace(/\n$/, "");
  const value = HEX.test(shown) ? decoded(shown, (await runTool(SECURITY, [...find, "-g"], context)).stderr) : shown;
  return { value: textOf(SECURITY, value), version: null };
}

function decoded(shown: string, told: string): string {
  if (told.includes(`password: "${shown}"`)) return shown;
  if (!told.toLowerCase().includes(`password: 0x${shown.toLowerCase()}`)) {
    throw toolFailure(SECURITY, "unusable", "`security` does not say whether the value is text or hex");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(shown, "hex"));
  } catch {
    throw toolFailure(SECURITY, "unusable", "the value is no text");
  }
}
