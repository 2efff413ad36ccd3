import { gh404 } from "../../policies/src/rules/gh404-proxies-declared.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh404, {
  faults: [
    {
      label: "Serve with allowTailscale left on",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "tailscale", "mode"], "serve");
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "auth", "allowTailscale"], true);
      },
      says: [/team-a: openclaw\.gateway\.auth\.allowTailscale is not false/],
    },
    {
      label: "a page behind a proxy that nobody trusts",
      plant: (stack) => {
        stack.set(
          "Gateway",
          "team-a",
          ["openclaw", "gateway", "controlUi", "allowedOrigins"],
          ["https://gw.example.net"],
        );
      },
      says: [/team-a: .* names a page behind a proxy, and no proxy is trusted/],
    },
    {
      label: "trust for everybody",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "trustedProxies"], ["0.0.0.0/0"]);
      },
      says: [/team-a: openclaw\.gateway\.trustedProxies trusts everybody/],
    },
    {
      label: "trusted-proxy without a proxy and with a token",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "auth", "mode"], "trusted-proxy");
      },
      says: [
        /team-a: .* is trusted-proxy and no proxy is trusted/,
        /team-a: .*trustedProxy\.userHeader is not declared/,
        /team-a: .* has a token beside trusted-proxy/,
      ],
    },
    {
      label: "a TCP forward of Tailscale",
      plant: (stack) => {
        stack.add({
          type: "command:remote:Command",
          name: "theirs",
          props: { create: "tailscale serve --bg --tcp 18789 tcp://localhost:18789" },
        });
      },
      says: [/theirs: create forwards TCP with Tailscale Serve/],
    },
    {
      label: "a TCP forward of socat",
      plant: (stack) => {
        stack.add({
          type: "command:remote:Command",
          name: "theirs",
          props: { create: "socat TCP4-LISTEN:8080,fork TCP:127.0.0.1:18789" },
        });
      },
      says: [/theirs: create forwards TCP with socat/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["openclaw", "gateway", "auth", "mode"]],
    ["Gateway", "team-a", ["openclaw", "gateway", "auth", "allowTailscale"]],
    ["Gateway", "team-a", ["openclaw", "gateway", "trustedProxies"]],
  ],
});
