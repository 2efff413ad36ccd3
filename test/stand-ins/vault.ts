import { createServer, type IncomingMessage, type Server } from "node:http";
import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface Reply {
  readonly status: number;
  readonly body: object;
}

const reply = (status: number, body: object): Reply => ({ status, body });
const errors = (status: number, ...messages: readonly string[]): Reply => reply(status, { errors: messages });

/**
 * A stand-in for Vault: the answers of a real core 1.21.4 for AppRole login, KV versions 1 and 2, denial and absence, as
 * they were recorded. It proves that the node speaks that protocol, not that Vault does.
 */
export class VaultStandIn {
  /** Versions of the field `key` by path; an empty list is a secret that nobody may read. */
  readonly store = new Map<string, readonly unknown[]>();
  readonly roleId = "gatehouse-node";
  secretId = `secret-id-${randomBytes(16).toString("hex")}`;
  /** `kv` of the mount. */
  kv: 1 | 2 = 2;
  /** Answers this to everything while it is set. */
  trouble: { readonly status: number; readonly body: object } | undefined;
  /** Method and path of every request, in order. */
  readonly requests: string[] = [];
  readonly #tokens = new Set<string>();
  #server: Server | undefined;
  #port = 0;

  get address(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Tokens that were given out and not revoked. */
  get openSessions(): number {
    return this.#tokens.size;
  }

  /** A token as a person's login has it. */
  issueToken(): string {
    const token = `hvs.${randomBytes(60).toString("base64url")}`;
    this.#tokens.add(token);
    return token;
  }

  /** Listens, at the same port again after `stop`. */
  async start(): Promise<this> {
    const server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response
          .writeHead(status, { "content-type": "application/json" })
          .end(status === 204 ? "" : JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const url = new URL(request.url ?? "/", this.address);
    this.requests.push(`${request.method ?? ""} ${url.pathname}${url.search}`);
    const body = await text(request);
    if (this.trouble !== undefined) return this.trouble;
    if (url.pathname === "/v1/auth/approle/login") return this.#login(body);
    const token = request.headers["x-vault-token"];
    if (typeof token !== "string") return errors(403, "permission denied");
    if (!this.#tokens.has(token))
      return errors(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n");
    if (url.pathname === "/v1/auth/token/lookup-self") return reply(200, { data: {} });
    if (url.pathname === "/v1/auth/token/revoke-self") {
      this.#tokens.delete(token);
      return reply(204, {});
    }
    return this.#read(decodeURIComponent(url.pathname).slice("/v1/".length), url.searchParams.get("version"));
  }

  #login(body: string): Reply {
    const given = JSON.parse(body) as { readonly role_id?: string; readonly secret_id?: string };
    if (given.role_id !== this.roleId || given.secret_id !== this.secretId) {
      return errors(400, "invalid role or secret ID");
    }
    return reply(200, { auth: { client_token: this.issueToken(), lease_duration: 60, num_uses: 0 } });
  }

  #read(path: string, version: string | null): Reply {
    const denied = errors(403, "1 error occurred:\n\t* permission denied\n\n");
    if (path.startsWith("sys/internal/ui/mounts/")) {
      const known = path.startsWith("sys/internal/ui/mounts/kv/");
      return known
        ? reply(200, { data: { options: this.kv === 2 ? { version: "2" } : null, path: "kv/", type: "kv" } })
        : errors(403, "preflight capability check returned 403, please ensure client's policies grant access to path");
    }
    if (!path.startsWith("kv/")) return errors(404, `no handler for route "${path}". route entry not found.`);
    const versioned = path.startsWith("kv/data/");
    if (this.kv === 2 && !versioned) {
      return reply(404, { warnings: ["Invalid path for a versioned K/V secrets engine. See the API docs."] });
    }
    const versions = this.store.get(path.slice(versioned ? "kv/data/".length : "kv/".length));
    if (versions === undefined) return errors(404);
    if (versions.length === 0) return denied;
    const number = version === null ? versions.length : Number(version);
    if (number > versions.length) return errors(404);
    const value = versions[number - 1];
    const metadata = { version: number, deletion_time: "", destroyed: false };
    if (value === null) {
      return reply(404, { data: { data: null, metadata: { ...metadata, deletion_time: "2026-11-01T00:00:00Z" } } });
    }
    const data = { key: value };
    return reply(200, { data: this.kv === 2 ? { data, metadata } : data });
  }
}
