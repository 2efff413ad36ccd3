import type { Finding, Rule } from "../finding.ts";
import { isLoopback } from "../route/address.ts";

const LAYER = "tunnel or proxy";

/** The gateway takes a client from elsewhere for one of its own host: no pairing, no rate limit. */
export const proxyHidesClient: Rule = ({ route }) => {
  if (route?.wire.readyz?.kind !== "ready, as to its own host") return [];
  // through a port of this machine it is the tunnel's end that the gateway sees, and sshd has asked who it is
  if (route.wire.address === null || isLoopback(route.wire.address)) return [];
  const from =
    route.arrival === null ? "" : `; the gateway saw the address ${route.arrival.remote} and no X-Forwarded-For`;
  return [
    {
      layer: LAYER,
      code: "proxy-hides-client",
      confidence: "high",
      evidence: [
        `the gateway takes whoever comes through ${route.address.url} for a client of its own host${from}`,
        "such a client needs no pairing, gets every scope with the token alone, and is not rate limited",
      ],
      nextStep:
        "let the proxy set X-Forwarded-For, -Proto and -Host, and name its address in the gateway's `trustedProxies` (docs/how-to/reverse-proxy.md); in place of a TCP forward use the gateway's own HTTPS",
    },
  ];
};

/** The token is right on the node, and does not get through as a header. */
export const authorizationStripped: Rule = ({ route, node }) => {
  if (route?.token?.kind === "rate limited") {
    return [
      {
        layer: LAYER,
        code: "rate-limited",
        confidence: "high",
        evidence: [`the gateway refuses this client's address for a while: HTTP 429 through ${route.address.url}`],
        nextStep:
          "end whatever sends a wrong token from there, and wait for five minutes: the right one is refused, too",
      },
    ];
  }
  if (route?.token?.kind !== "unauthorized" || node.gateway.session.token !== "accepted") return [];
  return [
    {
      layer: LAYER,
      code: "authorization-stripped",
      confidence: "high",
      evidence: [
        `the gateway's token is accepted on 127.0.0.1 of the node, and through ${route.address.url} the same token gets HTTP 401`,
        "the proxy takes Authorization away: HTTP APIs fail; the token of a WebSocket session is in its first frame and gets through",
      ],
      nextStep:
        "let the proxy pass Authorization on (nginx: no `proxy_set_header Authorization`); change no token for it",
    },
  ];
};

/** Harmless for the command line; a browser is refused for its origin. */
export const hostRewritten: Rule = ({ route }) => {
  const host = route?.arrival?.host ?? null;
  if (route === null || host === null || host.toLowerCase() === route.address.hostHeader.toLowerCase()) return [];
  return [
    {
      layer: LAYER,
      code: "host-rewritten",
      confidence: "medium",
      evidence: [
        `the client asks for the host ${route.address.hostHeader}, and the gateway sees ${host}`,
        "a browser is refused (CONTROL_UI_ORIGIN_NOT_ALLOWED); OpenClaw's command line and the HTTP APIs do not care",
      ],
      nextStep: "let the proxy pass the Host header on as it is (nginx: proxy_set_header Host $http_host)",
    },
  ];
};

/** It works, and everybody on the way can read it. */
export const plainHttp: Rule = ({ route }) => {
  if (route === null || route.address.tls || route.address.hostKind === "loopback") return [];
  // a name that leads to this machine is a tunnel's
  if (route.wire.address === null || isLoopback(route.wire.address)) return [];
  return [
    {
      layer: LAYER,
      code: "plain-http",
      confidence: "medium",
      evidence: [
        `${route.address.url} is plain HTTP to another machine: token and conversation can be read and changed on the way`,
        "browsers: no secure context there, so no passkeys, no plugin interface and no installation as an app; it is no cause of Unauthorized in this version",
      ],
      nextStep: "use the gateway's own HTTPS (docs/how-to/https.md), Tailscale Serve or an SSH tunnel",
    },
  ];
};

/** The failing client's own device, against those that the gateway has paired. */
export const routeDevice: Rule = ({ route, client }) => {
  const own = route?.client ?? null;
  const devices = route?.way?.devices ?? null;
  // a wrong shared token is refused before anybody asks for a device
  if (route === null || own === null || route.proof === "elsewhere" || client?.answer === "refused") return [];
  const finding = (code: string, evidence: readonly string[], nextStep: string): Finding => ({
    layer: "gateway session",
    code,
    confidence: "high",
    evidence,
    firstCommand: "openclaw devices list",
    nextStep,
  });
  const again =
    "pair it again: `openclaw devices remove ID` and `devices approve REQUEST` on the node as USER; rotate no token for it";
  const usesDeviceToken = client === null || client.state === "missing" || client.state === "empty";
  if (usesDeviceToken && own.deviceToken === "blank") {
    return [
      finding("device-token-empty", [`the token that ${own.stateDir} keeps for ${route.address.url} is empty`], again),
    ];
  }
  if (devices === null || own.deviceId === null) return [];
  const short = own.deviceId.slice(0, 12);
  const paired = devices.paired.find(({ id }) => id === own.deviceId);
  // through a loopback address the client shows no device
  if (paired === undefined && route.address.hostKind !== "loopback") {
    const request = devices.pending.find(({ id }) => id === own.deviceId)?.request;
    return [
      finding(
        "not-paired",
        [
          `the device ${short}… of ${own.stateDir} is not paired with this gateway`,
          request === undefined ? "it has no open request" : `its request ${request} waits for an approval`,
          ...(own.deviceToken === "set" ? ["it still keeps a token of an earlier pairing"] : []),
        ],
        "approve it on the node as USER: `openclaw devices list`, then `openclaw devices approve REQUEST`; rotate no token for it",
      ),
    ];
  }
  if (
    usesDeviceToken &&
    paired !== undefined &&
    own.deviceTokenMark !== null &&
    !Object.values(paired.tokens).includes(own.deviceTokenMark)
  ) {
    return [
      finding(
        "device-token-stale",
        [
          `the device ${short}… is paired, and the token that ${own.stateDir} keeps for it is another one than the gateway's`,
        ],
        again,
      ),
    ];
  }
  if (usesDeviceToken && paired !== undefined && own.deviceToken === "missing" && own.otherOrigins.length > 0) {
    return [
      finding(
        "device-token-of-another-address",
        [
          `the device is paired, and its token is kept for ${own.otherOrigins.join(", ")}, not for ${route.address.url}`,
        ],
        "call the gateway by the address that was paired, or give the client the gateway token once",
      ),
    ];
  }
  return [];
};
