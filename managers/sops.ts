import type { OperatorRef } from "../spec/index.ts";
import { runTool, textOf, toolFailure, type Tool } from "./command.ts";
import type { ReadContext, Reading } from "./failure.ts";

type SopsRef = Extract<OperatorRef, { readonly scheme: "sops" }>;

/** Texts of sops 3.13.3 (measured). */
const SOPS: Tool = {
  name: "sops",
  login: "point it at your key: SOPS_AGE_KEY_FILE, or the cloud login of its key service",
  variables: ["SOPS_*", "AWS_*", "GOOGLE_*", "CLOUDSDK_*", "AZURE_*", "VAULT_*", "GNUPGHOME", "GPG_AGENT_INFO"],
  complaints: [
    [/component \[.*\] not found|no such file or directory|cannot operate on non-existent file/i, "not found"],
    [/sops metadata not found|Error unmarshalling|Could not load tree|\bMAC\b|decrypting value/i, "unusable"],
    [/Failed to get the data key|no identity matched|error getting data key|no master key/i, "not signed in"],
  ],
};

/** Reads one value of an encrypted file with `sops decrypt --extract`; a relative file is one of the working directory. */
export async function readSops({ file, path }: SopsRef, context: ReadContext): Promise<Reading> {
  const extract = path.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `[${JSON.stringify(key)}]`)).join("");
  // the version check would ask the network; as JSON, a branch of the document cannot pass for a value
  const argv = ["sops", "--disable-version-check", "decrypt", "--output-type", "json", "--extract", extract, file] as const; // prettier-ignore
  const { stdout: printed } = await runTool(SOPS, argv, context);
  if (/^[[{]\n/.test(printed))
    throw toolFailure(SOPS, "unusable", "the keys lead to a branch of the file, not to a value");
  return { value: textOf(SOPS, printed), version: null };
}
