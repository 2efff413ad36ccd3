import type { X509Certificate } from "node:crypto";
import { connect as connectTcp, isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls, getCACertificates } from "node:tls";
import type { TLSSocket } from "node:tls";
import { ANSWER_MS } from "../exchange.ts";
import type { RouteAddress, TlsEvidence } from "./evidence.ts";

const CONNECT_MS = 4000;

/** What stands for "the fleet has no certificate authority" among the codes of a refusal. */
export const NO_AUTHORITY = "NO_AUTHORITY";

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? "unknown error";

/** A TCP connection, or the system's code of why there is none. */
export function dialTcp(address: string, port: number): Promise<Socket | { readonly failure: string }> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: address, port, noDelay: true });
    const fail = (failure: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ failure });
    };
    const timer = setTimeout(() => {
      fail("timeout");
    }, CONNECT_MS);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      // whoever uses the connection reads its end
      socket.on("error", () => undefined);
      resolve(socket);
    });
    socket.once("error", (error) => {
      fail(codeOf(error));
    });
  });
}

export interface Secured {
  readonly socket: TLSSocket;
  /** Code of what a client with these authorities has against the certificate; null: nothing. */
  readonly refusal: string | null;
}

/** A TLS session whatever the certificate, with the verdict on it; the code of why there is none. Sends nothing else. */
export async function dialTls(
  { host, port }: Pick<RouteAddress, "host" | "port">,
  address: string,
  authorities: readonly string[],
): Promise<Secured | { readonly failure: string }> {
  const tcp = await dialTcp(address, port);
  if ("failure" in tcp) return tcp;
  return await new Promise((resolve) => {
    const socket = connectTls({
      socket: tcp,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ca: [...authorities],
      // nothing that is secret leaves before `refusal` was looked at
      rejectUnauthorized: false,
    });
    const fail = (failure: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ failure });
    };
    const timer = setTimeout(() => {
      fail("timeout");
    }, ANSWER_MS);
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("close");
      socket.removeAllListeners("error");
      socket.on("error", () => undefined);
      // Node has the code as a text here, whatever its types say
      const code = String(socket.authorizationError);
      resolve({ socket, refusal: socket.authorized ? null : code });
    });
    socket.once("close", () => {
      fail("connection closed");
    });
    socket.once("error", (error: Error) => {
      fail(codeOf(error));
    });
  });
}

/** Authorities that this machine trusts: the system's, Node's own with `NODE_EXTRA_CA_CERTS`, and those named for this run. */
export function machineAuthorities(named: string | null): string[] {
  return [...getCACertificates("default"), ...getCACertificates("system"), ...(named === null ? [] : [named])];
}

function dateOf(text: string): string | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

const NAME = /[^\w.:*=,@ -]/g;

function described(certificate: X509Certificate | undefined) {
  const names = certificate?.subjectAltName?.split(", ") ?? [];
  return {
    names: names.slice(0, 20).map((name) => name.replace(NAME, "?").slice(0, 120)),
    issuer: (certificate?.issuer ?? "unknown").replaceAll("\n", ", ").replace(NAME, "?").slice(0, 200),
    notBefore: certificate === undefined ? null : dateOf(certificate.validFrom),
    notAfter: certificate === undefined ? null : dateOf(certificate.validTo),
    fingerprint: certificate?.fingerprint256 ?? null,
  };
}

/** Asks twice: as a client that has the fleet's authority alone, and as one that has those of this machine. */
export async function tlsEvidence(
  route: RouteAddress,
  address: string,
  { fleet, machine }: { readonly fleet: string | null; readonly machine: readonly string[] },
): Promise<TlsEvidence> {
  const asMachine = await dialTls(route, address, machine);
  if ("failure" in asMachine) {
    return { handshake: asMachine.failure, fleet: null, machine: null, ...described(undefined) };
  }
  const certificate = asMachine.socket.getPeerX509Certificate();
  asMachine.socket.destroy();
  const asFleet = fleet === null ? undefined : await dialTls(route, address, [fleet]);
  if (asFleet !== undefined && "socket" in asFleet) asFleet.socket.destroy();
  return {
    handshake: null,
    fleet: asFleet === undefined ? NO_AUTHORITY : "failure" in asFleet ? asFleet.failure : asFleet.refusal,
    machine: asMachine.refusal,
    ...described(certificate),
  };
}
