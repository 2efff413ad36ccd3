import { connect, isIPv6, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import ssh2, { type AnyAuthMethod, type AuthHandlerMiddleware, type Client, type ServerHostKeyAlgorithm } from "ssh2";
import { PluginError } from "../shared/plugin-error.ts";
import { loginMethods, type LoginMethod } from "./credentials.ts";
import { hostKeyMismatch, parseHostKey } from "./host-key.ts";
import type { Connection, Endpoint } from "./inputs.ts";
import { withDialRetries } from "./retry.ts";

/** Key exchange and login. The official plugin has no limit and hangs on a server that accepts TCP and stays silent. */
const HANDSHAKE_TIMEOUT_MS = 60_000;
/** A peer that vanished is noticed after four silent intervals. */
const KEEPALIVE_INTERVAL_MS = 30_000;
const KEEPALIVE_COUNT = 4;

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ECONNRESET: "read: connection reset by peer",
  ETIMEDOUT: "i/o timeout",
  ENOTFOUND: "lookup: no such host",
};

/** A logged-in connection and, before it, that to the jump host. */
export interface SshConnection {
  readonly client: Client;
  readonly close: () => void;
}

/**
 * Logs in, through the jump host if there is one, with each machine's own pin and attempts.
 * @throws {PluginError} naming the address, and for a wrong host key both fingerprints.
 */
export async function dial(connection: Connection, signal: AbortSignal): Promise<SshConnection> {
  const { proxy } = connection;
  if (!proxy) {
    const client = await withDialRetries(connection.dialErrorLimit, signal, async () =>
      handshake(await dialTcp(connection, signal), connection, signal),
    );
    return { client, close: () => client.end() };
  }
  try {
    const jump = await withDialRetries(proxy.dialErrorLimit, signal, async () =>
      handshake(await dialTcp(proxy, signal), proxy, signal),
    );
    try {
      // a failed handshake uses the forwarded stream up, so that each attempt takes a new one
      const client = await withDialRetries(connection.dialErrorLimit, signal, async () =>
        handshake(await forward(jump, connection), connection, signal),
      );
      return {
        client,
        close: () => {
          client.end();
          jump.end();
        },
      };
    } catch (error) {
      jump.end();
      throw error;
    }
  } catch (error) {
    throw new PluginError(`proxy: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `host:port`, with brackets around an IPv6 address. */
export function addressOf({ host, port }: Pick<Endpoint, "host" | "port">): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${Math.trunc(port)}`;
}

function dialTcp(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new PluginError(`dial tcp ${addressOf(endpoint)}: ${reason}`));
    };
    const socket = connect({ host: endpoint.host, port: Math.trunc(endpoint.port), noDelay: true, signal });
    const timer =
      endpoint.perDialTimeout > 0
        ? setTimeout(() => {
            fail(`i/o timeout (perDialTimeout ${endpoint.perDialTimeout} s)`);
          }, endpoint.perDialTimeout * 1000)
        : undefined;
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      fail(SYSTEM_ERRORS[error.code ?? ""] ?? error.code ?? error.message);
    });
  });
}

function forward(jump: Client, endpoint: Endpoint): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    jump.forwardOut("127.0.0.1", 0, endpoint.host, Math.trunc(endpoint.port), (error, stream) => {
      if (error) reject(new PluginError(`dial tcp ${addressOf(endpoint)} from the jump host: ${error.message}`));
      else resolve(stream);
    });
  });
}

async function handshake(stream: Duplex, endpoint: Endpoint, signal: AbortSignal): Promise<Client> {
  const pin = endpoint.hostKey === undefined ? undefined : parseHostKey(endpoint.hostKey);
  const methods = await loginMethods(endpoint);
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let wrongKey: PluginError | undefined;
    let attempted: readonly string[] = [];
    const cancel = (): void => {
      client.destroy();
    };
    const fail = (error: PluginError): void => {
      signal.removeEventListener("abort", cancel);
      client.destroy();
      stream.destroy();
      reject(error);
    };
    client.once("ready", () => {
      signal.removeEventListener("abort", cancel);
      resolve(client);
    });
    client.on("error", (error: Error & { level?: string }) => {
      fail(wrongKey ?? handshakeError(error, endpoint, attempted, pin?.algorithm));
    });
    client.once("close", () => {
      fail(new PluginError(`ssh: handshake failed: EOF: ${addressOf(endpoint)} closed the connection`));
    });
    signal.addEventListener("abort", cancel, { once: true });
    client.connect({
      sock: stream,
      username: endpoint.user,
      readyTimeout: HANDSHAKE_TIMEOUT_MS,
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      keepaliveCountMax: KEEPALIVE_COUNT,
      authHandler: oneByOne(methods, (names) => (attempted = names)),
      ...(pin && {
        algorithms: { serverHostKey: [pin.algorithm as ServerHostKeyAlgorithm] },
        hostVerifier: (offered: Buffer): boolean => {
          if (offered.equals(pin.blob)) return true;
          wrongKey = hostKeyMismatch(pin, offered);
          return false;
        },
      }),
    });
  });
}

/** Hands out one method after the other; `attempted` learns what was tried, for the error. */
function oneByOne(
  methods: readonly LoginMethod[],
  attempted: (names: readonly string[]) => void,
): AuthHandlerMiddleware {
  const left = [...methods];
  const tried: string[] = [];
  // its types leave out the return value, which ssh2 uses
  const next = (): AnyAuthMethod | false => {
    const method = left.shift();
    if (!method) return false;
    tried.push(method.type);
    attempted(tried);
    return method as AnyAuthMethod;
  };
  return next;
}

function handshakeError(
  error: Error & { level?: string },
  endpoint: Endpoint,
  attempted: readonly string[],
  pinned: string | undefined,
): PluginError {
  const where = `${endpoint.user}@${addressOf(endpoint)}`;
  if (error.level === "client-authentication") {
    return new PluginError(
      `ssh: handshake failed: ssh: unable to authenticate ${where}, attempted methods [${attempted.join(" ")}], ` +
        "no supported methods remain",
    );
  }
  if (error.level === "client-timeout") {
    return new PluginError(`ssh: handshake failed: ${where}: no SSH answer within ${HANDSHAKE_TIMEOUT_MS / 1000} s`);
  }
  if (pinned !== undefined && error.message.includes("no matching host key format")) {
    return new PluginError(
      `ssh: handshake failed: ssh: no common algorithm for host key: ${addressOf(endpoint)} does not offer the pinned ${pinned}`,
    );
  }
  return new PluginError(`ssh: handshake failed: ${where}: ${error.message}`);
}
