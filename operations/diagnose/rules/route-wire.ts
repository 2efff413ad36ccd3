import type { Finding, Rule } from "../finding.ts";
import { isLoopback } from "../route/address.ts";
import type { RouteEvidence } from "../route/evidence.ts";
import type { Check } from "./route-check.ts";
import { certificate } from "./route-tls.ts";

const CLIENT_STEP = "mend the address in the client (`openclaw config set gateway.remote.url`); change no token for it";

/** What a name leads to that is not the node; empty for a name that leads to it, and for an address. */
function elsewhere({ address, wire, way, nodeAddresses }: RouteEvidence): readonly string[] {
  if (address.hostKind !== "name" || wire.addresses === null) return [];
  const node = [...nodeAddresses, ...(way?.addresses ?? []).filter((one) => !isLoopback(one))];
  return wire.addresses.some((one) => node.includes(one)) ? [] : wire.addresses;
}

const dnsEvidence = (route: RouteEvidence): string[] => {
  const found = elsewhere(route);
  return found.length === 0
    ? []
    : [`${route.address.host} resolves to ${found.join(", ")}; the node has ${route.nodeAddresses.join(", ") || "?"}`];
};

const staticRules: Check = ({ address, client }) => {
  if (client !== null && !client.remoteMode && address.source === client.urlSource) {
    return {
      code: "client-not-remote",
      evidence: [
        `gateway.mode of ${client.stateDir} is not remote: this client dials its own 127.0.0.1, not ${address.url}`,
      ],
      firstCommand: "openclaw config get gateway.mode",
      nextStep: "`openclaw config set gateway.mode remote` on that client; change no token for it",
    };
  }
  if (client?.pin === "malformed") {
    return {
      code: "pin-malformed",
      evidence: [`gateway.remote.tlsFingerprint of ${client.stateDir} is no SHA-256 fingerprint`],
      nextStep: "write the certificate's SHA-256 there, or take the pin away and trust the authority",
    };
  }
  if (client !== null && client.pin !== null && !address.tls) {
    return {
      code: "pin-with-ws",
      evidence: [
        `${client.stateDir} pins a certificate for ${address.url}, which has none: OpenClaw waits for 60 s or refuses`,
      ],
      nextStep: "use a wss:// address, or take gateway.remote.tlsFingerprint away",
    };
  }
  return address.plaintextRefused
    ? {
        code: "plaintext-refused",
        evidence: [
          `${address.url} is plain HTTP to a public name: OpenClaw's client refuses it before it asks DNS, and a token would travel in clear`,
        ],
        firstCommand: "openclaw config get gateway.remote.url",
        nextStep: "use wss:// (docs/how-to/https.md), Tailscale Serve or an SSH tunnel; change no token for it",
      }
    : undefined;
};

const dns: Check = ({ address, wire, way }) => {
  if (wire.addresses !== null) return undefined;
  const name = way?.tailscale.self?.name;
  return {
    code: "dns-unknown",
    evidence: [
      `${address.host} does not resolve here: ${wire.dnsFailure ?? "no answer"}`,
      ...(name === undefined || name === null ? [] : [`the node's name in its tailnet is ${name}`]),
    ],
    firstCommand: `getent ahosts ${address.host}`,
    nextStep: "mend the name, or MagicDNS on this machine (`tailscale status`); change no token for it",
  };
};

const connection: Check = (route) => {
  const { address, wire } = route;
  if (wire.connectFailure === null) return undefined;
  const dnsLines = dnsEvidence(route);
  if (dnsLines.length > 0) {
    return {
      code: "dns-elsewhere",
      confidence: "medium",
      evidence: [...dnsLines, `nothing takes a connection there: ${wire.connectFailure}`],
      firstCommand: `getent ahosts ${address.host}`,
      nextStep: "mend the name; if these are a proxy's addresses, look at the proxy",
    };
  }
  const refused = wire.connectFailure === "ECONNREFUSED";
  const advice =
    address.hostKind === "loopback"
      ? "start the SSH tunnel again: `ssh -N -L 127.0.0.1:PORT_HERE:127.0.0.1:PORT …`, and read what ssh prints"
      : refused
        ? "start what listens there: the proxy, Tailscale Serve, or the gateway's own HTTPS"
        : "look at firewall, ACL and, for a tailnet, at `tailscale ping`";
  return {
    code: refused ? "refused" : wire.connectFailure === "timeout" ? "no-answer" : "unreachable",
    evidence: [`no connection to ${address.url}: ${wire.connectFailure} (${wire.addresses?.join(", ") ?? "?"})`],
    nextStep: advice,
  };
};

const protocol: Check = ({ address, wire }) => {
  const { healthz } = wire;
  if (healthz === null) return undefined;
  if (healthz.kind === "plain HTTP on an HTTPS port" || wire.tlsInstead) {
    return {
      code: "plain-on-tls-port",
      evidence: [`${address.url}: this port speaks HTTPS, the address plain HTTP`],
      nextStep: "use wss:// in the client; change no token for it",
    };
  }
  return undefined;
};

const wrongService: Check = (route, { node }) => {
  const { address, wire, proof } = route;
  const { healthz, upgrade } = wire;
  if (healthz === null || healthz.kind === "live") return undefined;
  const server = healthz.server === null ? "" : ` (${healthz.server})`;
  const said = `/healthz of ${address.url}: ${healthz.kind}, HTTP ${healthz.status}${server}`;
  const dnsLines = dnsEvidence(route);
  if (healthz.kind === "bad gateway" && node.gateway.session.healthz === "live") {
    return {
      code: "proxy-cannot-reach",
      evidence: [said, "127.0.0.1 on the node answers"],
      nextStep:
        "look at the proxy's upstream: address, port, http or https of the gateway, whose own HTTPS takes TLS 1.3 alone (nginx: proxy_ssl_protocols TLSv1.3)",
    };
  }
  if (dnsLines.length > 0 && proof !== "arrived") {
    return {
      code: "dns-elsewhere",
      evidence: [...dnsLines, said],
      firstCommand: `getent ahosts ${address.host}`,
      nextStep: "mend the name, or the client's address; change no token for it",
    };
  }
  const signIn = healthz.kind === "sign-in";
  return {
    code: signIn ? "sign-in-proxy" : "wrong-service",
    confidence: upgrade?.kind === "challenge" ? "medium" : "high",
    evidence: [said, ...(upgrade === null ? [] : [`WebSocket upgrade: ${upgrade.kind}, HTTP ${upgrade.status}`])],
    nextStep: signIn
      ? "an identity proxy asks first: OpenClaw's client needs `gateway.remote.edgeAuth` or another way"
      : `look at what listens there, at the path and at the proxy's routes; ${CLIENT_STEP}`,
  };
};

const anotherGateway: Check = (route) => {
  const { address, proof } = route;
  if (proof !== "elsewhere") return undefined;
  const dnsLines = dnsEvidence(route);
  return {
    code: dnsLines.length > 0 ? "dns-elsewhere" : "another-gateway",
    evidence: [
      `a gateway answers at ${address.url}, and it is another one: the upgrade sent there is not in this gateway's log, the one sent through SSH is`,
      ...dnsLines,
      "its token is another one: this gateway's was not sent there",
    ],
    firstCommand: dnsLines.length > 0 ? `getent ahosts ${address.host}` : `curl -s ${httpOf(route)}/healthz`,
    nextStep:
      address.hostKind === "loopback"
        ? "give the tunnel a port of its own (`-L 127.0.0.1:P:127.0.0.1:PORT`): another gateway listens on this one; then mend the client's address"
        : CLIENT_STEP,
  };
};

const httpOf = ({ address }: RouteEvidence): string => address.url.replace(/^ws/, "http").replace(/\/$/, "");

const refusedByGateway: Check = ({ address, wire }) => {
  const answers = [wire.readyz, wire.upgrade];
  if (answers.some((answer) => answer?.kind === "attribution required")) {
    return {
      code: "proxy-attribution",
      evidence: [
        `the gateway refuses what comes through ${address.url}: HTTP 403, proxy_attribution_required`,
        "the proxy adds X-Forwarded headers, and the gateway does not know the proxy",
      ],
      firstCommand: `curl -s ${address.url.replace(/^ws/, "http")}readyz`,
      nextStep:
        "name the proxy's address in the gateway's `trustedProxies` (docs/how-to/reverse-proxy.md), run `gatehouse up`, and let the proxy overwrite X-Forwarded-For, -Proto and -Host; never take the headers away: then every client counts as local",
    };
  }
  return answers.some((answer) => answer?.kind === "rate limited")
    ? {
        code: "rate-limited",
        evidence: [`the gateway refuses this client's address for a while: HTTP 429 through ${address.url}`],
        nextStep:
          "end whatever sends a wrong token from there, and wait for five minutes: the right one is refused, too",
      }
    : undefined;
};

const upgradeDropped: Check = ({ address, wire }) => {
  const { upgrade } = wire;
  if (upgrade === null || upgrade.kind === "challenge" || wire.healthz?.kind !== "live") return undefined;
  const server = upgrade.server === null ? "" : ` (${upgrade.server})`;
  return {
    code: "upgrade-dropped",
    evidence: [
      `/healthz of ${address.url} is live, and a WebSocket upgrade there gets ${upgrade.kind}, HTTP ${upgrade.status}${server}`,
      "the proxy does not pass Upgrade and Connection on: no session is possible, whatever the token",
    ],
    nextStep:
      "let the proxy speak HTTP/1.1 to the gateway and pass Upgrade and Connection (nginx: proxy_http_version 1.1, Upgrade $http_upgrade, Connection upgrade)",
  };
};

/** Each needs the one before it to be fine: the first that finds something is the cause. */
const CHECKS: readonly Check[] = [
  staticRules,
  dns,
  connection,
  certificate,
  protocol,
  wrongService,
  refusedByGateway,
  anotherGateway,
  upgradeDropped,
];

export const TUNNEL_LAYER = "tunnel or proxy";

/** Whether the outside address leads to this gateway's first frame, and why not. */
export const routeWire: Rule = (seen): readonly Finding[] => {
  const { route, node } = seen;
  // a gateway that does not serve is no fault of the way
  if (route === null || node.gateway.session.healthz !== "live") return [];
  for (const check of CHECKS) {
    const fault = check(route, seen);
    if (fault !== undefined) return [{ layer: TUNNEL_LAYER, confidence: "high", ...fault }];
  }
  return [];
};
