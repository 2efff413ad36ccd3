import { X509Certificate } from "node:crypto";
import { request as requestHttp } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { TLSSocket } from "node:tls";
import { text } from "node:stream/consumers";

/** The HTTP side of a gateway, as a client on its own machine reaches it. */
export interface GatewayEndpoint {
  readonly port: number;
  /** PEM; present when the gateway speaks HTTPS. Nothing is sent to a process that serves another certificate. */
  readonly certificate?: string | undefined;
}

export interface GatewayRequest {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly body: string;
}

/** Thrown by `askGateway`; whoever listens there is not the gateway with its present certificate. */
export class CertificateMismatch extends Error {
  override readonly name = "CertificateMismatch";
}

/**
 * Pinned to the leaf rather than checked against its authority: this asks whether the process serves what was delivered,
 * and an expired certificate must not hide that it runs.
 */
function refuseOthers(socket: TLSSocket, certificate: string): void {
  const expected = new X509Certificate(certificate).fingerprint256;
  socket.once("secureConnect", () => {
    if (socket.getPeerX509Certificate()?.fingerprint256 === expected) return;
    socket.destroy(new CertificateMismatch("the process on the port serves another certificate"));
  });
}

/** @throws {CertificateMismatch}, or the network's error. */
export async function askGateway(
  { port, certificate }: GatewayEndpoint,
  path: string,
  { method = "GET", headers = {}, body, signal }: GatewayRequest,
): Promise<GatewayAnswer> {
  const options: RequestOptions = {
    host: "127.0.0.1",
    port,
    path,
    method,
    signal,
    agent: false,
    headers: { ...headers, ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }) },
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request =
      certificate === undefined
        ? requestHttp(options, resolve)
        : requestHttps({ ...options, rejectUnauthorized: false }, resolve);
    request.once("error", reject);
    if (certificate === undefined) {
      request.end(body);
      return;
    }
    request.once("socket", (socket) => {
      if (!(socket instanceof TLSSocket)) {
        request.destroy(new CertificateMismatch("the connection is not encrypted"));
        return;
      }
      refuseOthers(socket, certificate);
      // headers and body leave only once the peer is known
      socket.once("secureConnect", () => {
        if (!socket.destroyed) request.end(body);
      });
    });
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}
