import { Findings, read } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

/** HTTPS with a delivered certificate; one that the vendor makes has no names in it. */
function hasOwnCertificate(props: unknown): boolean {
  const tls = (key: string) => read(props, "openclaw", "gateway", "tls", key);
  const [enabled, made, path] = [tls("enabled"), tls("autoGenerate"), tls("certPath")];
  return (
    enabled.state === "known" &&
    enabled.value === true &&
    made.state === "known" &&
    made.value === false &&
    path.state === "known"
  );
}

export const gh401 = defineRule({
  id: "GH401",
  title: "Listening on loopback or with HTTPS, and with a token",
  severity: "mandatory",
  reads: "`openclaw.gateway.bind`, `customBindHost`, `tls` and `auth` of every `Gateway`, as rendered for OpenClaw",
  why: "Whoever reaches the port and has the token operates the gateway. On loopback that takes a login on the machine first, and beyond it the certificate keeps the token from everybody between; without a token in the configuration OpenClaw makes one up at start that nobody has.",
  source:
    "OpenClaw 2026.9.6, measured: `bind` other than loopback listens on every interface it names; `tailnet` falls back without a word",
  fix: "set `gateway.bind` to loopback and `gateway.auth` to mode token with a reference, and reach it through Tailscale Serve or an SSH tunnel; or give the gateway `https` with the names that clients use",
  only: GATEWAY,
  parameters: {},
  check: ({ type, props }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    const bind = found.needText("openclaw", "gateway", "bind");
    if (bind !== undefined && bind !== "loopback" && !hasOwnCertificate(props))
      found.add(`openclaw.gateway.bind is ${bind}, without a certificate of its own`);
    found.expect("token", "openclaw", "gateway", "auth", "mode");
    if (bind !== "custom" && read(props, "openclaw", "gateway", "customBindHost").state !== "missing")
      found.add("openclaw.gateway.customBindHost names an address to listen on");
    const token = found.need("openclaw", "gateway", "auth", "token");
    if (typeof token === "string") found.add("openclaw.gateway.auth.token is a value, not a reference");
    else if (token !== undefined) found.needText("openclaw", "gateway", "auth", "token", "source");
    return found.problems;
  },
});
