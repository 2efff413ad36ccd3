import type { TlsEvidence } from "../route/evidence.ts";
import type { Check } from "./route-check.ts";

const UNKNOWN_ISSUER =
  /^(UNABLE_TO_|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_UNTRUSTED|NO_AUTHORITY$)/;

const TLS_FAULTS: Readonly<Record<string, { readonly code: string; readonly nextStep: string } | undefined>> = {
  CERT_HAS_EXPIRED: {
    code: "tls-expired",
    nextStep: "renew it: `pulumi up` for the gateway's own certificate, else where the proxy has it",
  },
  CERT_NOT_YET_VALID: { code: "tls-not-yet-valid", nextStep: "compare `date` on both sides" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: "tls-wrong-name",
    nextStep: "call it by a name of its certificate, or put this name into `https.names` and run `pulumi up`",
  },
};

/** The one reason that both kinds of clients have; null when one of them accepts. */
function refusalOf({ fleet, machine }: TlsEvidence): string | null {
  if (fleet === null || machine === null) return null;
  // who knows the issuer says what is really wrong
  return UNKNOWN_ISSUER.test(fleet) ? machine : fleet;
}

/** What clients have against the TLS session or the certificate. */
export const certificate: Check = ({ address, wire, client }) => {
  const { tls } = wire;
  if (tls === null) return undefined;
  const look = `openssl s_client -connect ${address.host}:${address.port} -servername ${address.host} </dev/null | openssl x509 -noout -issuer -dates -ext subjectAltName`;
  if (tls.handshake !== null) {
    const plain = /WRONG_VERSION_NUMBER|EPROTO|PACKET_LENGTH/.test(tls.handshake);
    return {
      code: plain ? "tls-on-plain-port" : "tls-handshake",
      evidence: [
        `${address.url}: no TLS session (${tls.handshake})${plain ? ": what listens there speaks plain HTTP" : ""}`,
      ],
      firstCommand: look,
      nextStep: plain
        ? "use ws:// there, through a tunnel only, or the port that has HTTPS"
        : "Tailscale Serve and many proxies know the full name alone: use that name, not an address or a short one",
    };
  }
  if (client?.pin != null) {
    return client.pin === tls.fingerprint
      ? undefined
      : {
          code: "pin-mismatch",
          evidence: [
            `${client.stateDir} pins ${client.pin.slice(0, 11)}…, served is ${tls.fingerprint?.slice(0, 11) ?? "?"}…`,
          ],
          firstCommand: look,
          nextStep: "a renewed certificate needs a new pin: trust the authority instead (docs/how-to/https.md)",
        };
  }
  const refusal = refusalOf(tls);
  if (refusal === null) return undefined;
  const known = TLS_FAULTS[refusal];
  return {
    code: known?.code ?? (UNKNOWN_ISSUER.test(refusal) ? "tls-untrusted" : "tls-refused"),
    evidence: [
      `clients refuse the certificate at ${address.url}: ${refusal}`,
      `it is for ${tls.names.join(", ") || "no name"}, by ${tls.issuer}, until ${tls.notAfter ?? "?"}`,
      "neither the gateway token nor a provider key was looked at: TLS comes before both",
    ],
    firstCommand: look,
    nextStep:
      known?.nextStep ??
      "give the client the authority that signed it (NODE_EXTRA_CA_CERTS), and the server the whole chain",
  };
};
