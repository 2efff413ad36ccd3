import type { ServeRoute } from "../../../node/way/tailscale.ts";
import type { Finding, Rule } from "../finding.ts";

const LAYER = "tunnel or proxy";

function finding(code: string, evidence: readonly string[], nextStep: string, firstCommand: string): Finding {
  return { layer: LAYER, code, confidence: "high", evidence, nextStep, firstCommand };
}

const STATUS = "tailscale status --json";
const SERVE = "tailscale serve status --json";

/** Routes that end at this gateway's port, as OpenClaw's own claim does at an ephemeral one. */
function forwards(routes: readonly ServeRoute[], port: number): readonly ServeRoute[] {
  return routes.filter(({ to }) => to.endsWith(`:${port}`));
}

/** What the tailnet does with a gateway that is meant to be reached through it, or an address that is of one. */
export const tailscale: Rule = ({ route }, commands) => {
  if (route === null) return [];
  const ofTailnet = /\.ts\.net\.?$/.test(route.address.host);
  const exposure = route.way?.exposure ?? null;
  const meant = ofTailnet || exposure?.bind === "tailnet" || (exposure?.tailscaleMode ?? "off") !== "off";
  if (!meant) return [];
  const { way } = route;
  const there = way?.tailscale ?? null;
  const found: Finding[] = [];
  const states = [
    ["this machine", route.tailscale] as const,
    ...(there === null ? [] : [["the node", there] as const]),
  ];
  for (const [who, { binary, self }] of states) {
    if (binary === "no answer") {
      found.push(finding("tailscale-down", [`tailscaled of ${who} gives no answer`], "start tailscaled", STATUS));
    } else if (self !== null && (self.state !== "Running" || self.keyExpired === true)) {
      const why = self.keyExpired === true ? `${self.state}, its key has expired` : self.state;
      found.push(finding("tailscale-down", [`Tailscale of ${who} is ${why}`], "`tailscale up` there", STATUS));
    }
  }
  const name = there?.self?.name ?? null;
  if (ofTailnet && name !== null && route.address.host.replace(/\.$/, "") !== name) {
    const lines = [`${route.address.host} is asked for, and the node is ${name}: Serve knows the full name alone`];
    found.push(finding("tailscale-other-name", lines, `use ${name} in the client`, STATUS));
  }
  const routes = there?.routes ?? null;
  if (exposure?.tailscaleMode === "serve" && routes !== null && !routes.some(({ foreground }) => foreground)) {
    const lines = [
      "the gateway is meant to be served by Tailscale, and it holds no claim: one is lost when tailscaled restarts, and everything local stays green",
    ];
    found.push(finding("serve-claim-lost", lines, "restart the gateway's unit", SERVE));
  }
  if (exposure?.tailscaleMode === "serve" && exposure.allowTailscale === null) {
    const lines = [
      "gateway.auth.allowTailscale is not set beside Serve: any user of the tailnet is let in without a token",
    ];
    found.push(
      finding("serve-without-token", lines, "set gateway.auth.allowTailscale to false", "openclaw security audit"),
    );
  }
  if (there?.self?.certificates === false && ofTailnet && route.address.tls) {
    const lines = ["the tailnet gives no HTTPS certificates, which Serve needs"];
    found.push(
      finding("tailnet-without-https", lines, "enable HTTPS certificates in the tailnet's DNS settings", STATUS),
    );
  }
  const bare = routes === null ? [] : forwards(routes, route.gatewayPort).filter(({ kind }) => kind === "tcp");
  for (const { from } of bare) {
    const lines = [
      `tailscale serve forwards TCP ${from} to the gateway: whoever comes counts as a client of its own host`,
    ];
    found.push(finding("proxy-hides-client", lines, "serve it as HTTPS, not as TCP", SERVE));
  }
  const tailnetAddresses = there?.self?.addresses ?? [];
  if (
    exposure?.bind === "tailnet" &&
    tailnetAddresses.length > 0 &&
    !tailnetAddresses.some((one) => way?.addresses.includes(one))
  ) {
    const lines = [
      `the gateway is bound to the tailnet, and the node has none of ${tailnetAddresses.join(", ")}: it listens on loopback alone`,
    ];
    found.push(
      finding(
        "tailnet-not-bound",
        lines,
        `${commands.restart} once Tailscale has its interface`,
        commands.tcpListeners,
      ),
    );
  }
  return found;
};
