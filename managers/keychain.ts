import type { OperatorRef } from "../spec/index.ts";
import { runTool, textOf, type Tool } from "./command.ts";
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

/** Reads a generic password of the operator's keychain. */
export async function readKeychain({ service, account }: KeychainRef, context: ReadContext): Promise<Reading> {
  const printed = await runTool(
    SECURITY,
    ["security", "find-generic-password", "-s", service, "-a", account, "-w"],
    context,
  );
  return { value: textOf(SECURITY, printed.replace(/\n$/, "")), version: null };
}
