import { member } from "../node/lib/member.ts";
import type { OperatorRef } from "../spec/index.ts";
import { json, runTool, textOf, type Tool } from "./command.ts";
import type { ReadContext, Reading } from "./failure.ts";

type AzureRef = Extract<OperatorRef, { readonly scheme: "azure-kv" }>;

/** Texts of az 2.91, signed out, and of the service's own error codes (facts: secret-managers.md 2.2). */
const AZ: Tool = {
  name: "the Azure CLI",
  login: "`az login`, or `az login --service-principal` in CI",
  variables: ["AZURE_*", "REQUESTS_CA_BUNDLE"],
  complaints: [
    [/az login|AADSTS|\bUnauthorized\b/i, "not signed in"],
    [/SecretNotFound|SecretDisabled|VaultNotFound|was not found in this key vault/i, "not found"],
    [/Forbidden|AccessDenied/i, "denied"],
    [/getaddrinfo|Failed to (?:resolve|establish)|Max retries exceeded|timed out|Throttled/i, "no answer"],
  ],
};

/** Reads a secret with `az keyvault secret show`, in whatever cloud the CLI is set to. */
export async function readAzure({ vault, secret, version }: AzureRef, context: ReadContext): Promise<Reading> {
  const { stdout: printed } = await runTool(
    AZ,
    [
      "az",
      "keyvault",
      "secret",
      "show",
      "--vault-name",
      vault,
      "--name",
      secret,
      ...(version === undefined ? [] : ["--version", version]),
      "--output",
      "json",
      "--only-show-errors",
    ],
    context,
  );
  const answer = json(AZ, printed);
  const id = member(answer, "id");
  return {
    value: textOf(AZ, member(answer, "value")),
    version: typeof id === "string" ? (id.split("/").at(-1) ?? null) : null,
  };
}
