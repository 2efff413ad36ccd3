import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ResolveFailure } from "../node/launch/failure.ts";
import { VaultSession } from "../node/launch/vault.ts";
import type { ManagerRef } from "../spec/index.ts";
import { fixFor } from "./command.ts";
import { ReadFailure, type FailureKind, type ReadContext, type Reading } from "./failure.ts";

type VaultRef = Extract<ManagerRef, { readonly scheme: "vault" }>;

const VAULT = {
  name: "Vault",
  login: "set VAULT_ADDR and `vault login`, or VAULT_TOKEN (VAULT_NAMESPACE where it has one)",
};

/** The token of the operator's own login, as the vendor's command line finds it. */
async function tokenOf({ env }: ReadContext): Promise<string | undefined> {
  const given = env["VAULT_TOKEN"];
  if (given !== undefined && given !== "") return given;
  const kept = await readFile(join(env["HOME"] ?? "/", ".vault-token"), "utf8").catch(() => "");
  return kept.trim() === "" ? undefined : kept.trim();
}

function kindOf({ outlook, message }: ResolveFailure): FailureKind {
  if (outlook === "try again") return "no answer";
  // the session's messages begin with these two words
  return message.startsWith("denied") ? "denied" : message.startsWith("not found") ? "not found" : "unusable";
}

function serverOf({ env }: ReadContext): { readonly address: string; readonly namespace?: string } {
  const [address, namespace] = [env["VAULT_ADDR"], env["VAULT_NAMESPACE"]];
  if (address === undefined || !URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new ReadFailure(
      "not signed in",
      address === undefined ? "VAULT_ADDR is not set" : "VAULT_ADDR is no http or https URL",
      VAULT.login,
    );
  }
  return { address, ...(namespace === undefined || namespace === "" ? {} : { namespace }) };
}

/** Reads a field over Vault's HTTP API with the operator's own token (KV versions 1 and 2; OpenBao speaks the same). */
export async function readVault(ref: VaultRef, context: ReadContext): Promise<Reading> {
  const server = serverOf(context);
  const token = await tokenOf(context);
  if (token === undefined)
    throw new ReadFailure("not signed in", "no Vault token is set", fixFor("not signed in", VAULT));
  const session = new VaultSession(server, token, context.deadline);
  try {
    return await session.read({ manager: "vault", ...ref });
  } catch (error) {
    if (!(error instanceof ResolveFailure)) throw error;
    const kind = kindOf(error);
    // a token that is unknown and one that may not read are the same answer
    if (kind === "denied" && !(await session.isValid().catch(() => true))) {
      throw new ReadFailure(
        "not signed in",
        "Vault does not know the token (expired?)",
        fixFor("not signed in", VAULT),
      );
    }
    // the session's own words of advice are for a node
    const fix = kind === "denied" || kind === "no answer" ? fixFor(kind, VAULT) : error.fix;
    throw new ReadFailure(kind, error.message, fix, { cause: error });
  }
}
