import { member } from "../lib/member.ts";
import { ResolveFailure } from "./failure.ts";
import { ask } from "./http.ts";
import type { Answer } from "./http.ts";
import type { LaunchIdentity, VaultSecret } from "./plan.ts";

type Identity = NonNullable<LaunchIdentity["vault"]>;
/** Where a Vault is. */
type Server = Pick<Identity, "address" | "namespace">;

export interface Read {
  readonly value: string;
  /** As the manager names it; null where it has no versions. */
  readonly version: string | null;
}

function url(identity: Server, path: string): URL {
  return new URL(`/v1/${path.split("/").map(encodeURIComponent).join("/")}`, identity.address);
}

/** Vault's own words, for the two cases that share a status. */
function complains(answer: Answer, about: RegExp): boolean {
  const texts = [member(answer.json, "errors"), member(answer.json, "warnings")].flat();
  return texts.some((text) => typeof text === "string" && about.test(text));
}

/** A session with a Vault. */
export class VaultSession {
  readonly #identity: Server;
  readonly #token: string;
  readonly #deadline: AbortSignal;

  /** A session with a token that exists; `open` makes one from the node's AppRole. */
  constructor(identity: Server, token: string, deadline: AbortSignal) {
    this.#identity = identity;
    this.#token = token;
    this.#deadline = deadline;
  }

  /** @throws {ResolveFailure} when Vault does not take the role or its secret id, or gives no answer. */
  static async open(identity: Identity, secretId: string, deadline: AbortSignal): Promise<VaultSession> {
    const answer = await ask(
      "Vault",
      url(identity, `auth/${identity.authMount}/login`),
      {
        method: "POST",
        headers: headers(identity),
        body: JSON.stringify({ role_id: identity.roleId, secret_id: secretId }),
      },
      deadline,
    );
    const token = member(answer.json, "auth", "client_token");
    if (answer.status === 200 && typeof token === "string") return new VaultSession(identity, token, deadline);
    throw new ResolveFailure(
      "needs a person",
      `Vault at ${identity.address} refuses this node's AppRole login (HTTP ${answer.status})`,
      "check roleId, secretId, authMount and namespace of nodeIdentity.vault; a secret id that has expired or has no uses left needs a new one",
    );
  }

  /** @throws {ResolveFailure} not found, denied, no text, no answer. */
  async read(secret: VaultSecret): Promise<Read> {
    const kv = secret.kv ?? (await this.#storeVersion(secret));
    const target = url(this.#identity, `${secret.mount}/${kv === 2 ? "data/" : ""}${secret.path}`);
    if (secret.version !== undefined) target.searchParams.set("version", String(secret.version));
    const answer = await this.#get(target);
    if (answer.status === 403) throw denied("read this path");
    const data = kv === 2 ? member(answer.json, "data", "data") : member(answer.json, "data");
    if (answer.status !== 200 || typeof data !== "object" || data === null) throw missing(answer, secret);
    if (!Object.hasOwn(data, secret.field)) {
      throw new ResolveFailure(
        "needs a person",
        `not found: the secret has no field '${secret.field}'`,
        "check the part after '#'",
      );
    }
    const value = member(data, secret.field);
    if (typeof value !== "string") {
      throw new ResolveFailure("needs a person", "the field is no text", "store the key as a JSON string");
    }
    const version = member(answer.json, "data", "metadata", "version");
    return { value, version: kv === 2 && typeof version === "number" ? String(version) : null };
  }

  /** Whether Vault knows the token. @throws {ResolveFailure} no answer. */
  async isValid(): Promise<boolean> {
    return (await this.#get(url(this.#identity, "auth/token/lookup-self"))).status === 200;
  }

  /** Ends the session; that it could not be ended is no failure of the start, its lease ends it. */
  async close(): Promise<void> {
    await ask(
      "Vault",
      url(this.#identity, "auth/token/revoke-self"),
      { method: "POST", headers: headers(this.#identity, this.#token) },
      AbortSignal.any([this.#deadline, AbortSignal.timeout(1000)]),
    ).catch(() => undefined);
  }

  async #storeVersion({ mount, path }: VaultSecret): Promise<1 | 2> {
    const answer = await this.#get(url(this.#identity, `sys/internal/ui/mounts/${mount}/${path}`));
    if (answer.status === 403) throw denied(`use the store '${mount}', or there is no such store`);
    return member(answer.json, "data", "options", "version") === "2" ? 2 : 1;
  }

  async #get(target: URL): Promise<Answer> {
    return await ask("Vault", target, { method: "GET", headers: headers(this.#identity, this.#token) }, this.#deadline);
  }
}

function headers({ namespace }: Server, token?: string): Record<string, string> {
  return {
    "X-Vault-Request": "true",
    ...(namespace === undefined ? {} : { "X-Vault-Namespace": namespace }),
    ...(token === undefined ? {} : { "X-Vault-Token": token }),
  };
}

function denied(what: string): ResolveFailure {
  return new ResolveFailure(
    "needs a person",
    `denied: this login may not ${what}`,
    "give it a policy with `read` on this path, or correct the reference",
  );
}

function missing(answer: Answer, secret: VaultSecret): ResolveFailure {
  if (complains(answer, /Invalid path for a versioned/)) {
    return new ResolveFailure("needs a person", "the store is KV version 2, not 1", "take `kv=1` out of the reference");
  }
  if (complains(answer, /no handler for route/)) {
    return new ResolveFailure(
      "needs a person",
      `not found: there is no store '${secret.mount}'`,
      "check the first part of the reference, and the namespace",
    );
  }
  const deleted = typeof member(answer.json, "data", "metadata", "deletion_time") === "string";
  return new ResolveFailure(
    "needs a person",
    deleted ? "not found: this version was deleted" : `not found (HTTP ${answer.status})`,
    deleted ? "undelete it in Vault or name another version" : "check path and version of the reference",
  );
}
