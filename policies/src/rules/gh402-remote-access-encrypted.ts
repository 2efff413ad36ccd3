import { isLoopback, originOf } from "../origin.ts";
import { Findings, read, textAt, textsAt } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

/** Whether a URL crosses the network in clear; what cannot be read counts as if it did. */
function isClear(url: string): boolean {
  const origin = originOf(url);
  if (origin === undefined) return true;
  return !["wss", "https"].includes(origin.scheme) && !isLoopback(origin.host);
}

export const gh402 = defineRule({
  id: "GH402",
  title: "Remote access over Tailscale Serve or TLS",
  severity: "mandatory",
  reads: "`openclaw.gateway.mode`, `bind`, `tls`, `remote.url` and `controlUi.allowedOrigins` of every `Gateway`",
  why: "The token travels inside the first frame of a connection and the page that asks for it in clear text. Browsers load it over plain HTTP without a complaint.",
  source:
    "OpenClaw 2026.9.6, measured: pairing and full operation over `http://` from another host; a generated certificate has no name in it, so clients can only pin it",
  fix: "keep `bind` on loopback and use Tailscale Serve, or set `gateway.tls` with a certificate of your own (`autoGenerate: false`)",
  only: GATEWAY,
  parameters: {},
  check: ({ type, props }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    const bind = found.needText("openclaw", "gateway", "bind");
    const mode = found.needText("openclaw", "gateway", "mode");
    const encrypted = read(props, "openclaw", "gateway", "tls", "enabled");
    const tls = encrypted.state === "known" && encrypted.value === true;
    if (encrypted.state === "unknown") found.add("openclaw.gateway.tls.enabled is unknown at preview");
    if (bind !== undefined && bind !== "loopback" && !tls) found.add("it can be reached from outside without TLS");
    if (tls) found.expect(false, "openclaw", "gateway", "tls", "autoGenerate");
    if (mode === "remote") {
      const url = found.needText("openclaw", "gateway", "remote", "url");
      if (url !== undefined && isClear(url)) found.add("openclaw.gateway.remote.url is neither wss nor loopback");
    } else if (isClear(textAt(props, "openclaw", "gateway", "remote", "url") ?? "wss://absent"))
      found.add("openclaw.gateway.remote.url is neither wss nor loopback");
    if (textsAt(props, "openclaw", "gateway", "controlUi", "allowedOrigins").some((url) => url !== "*" && isClear(url)))
      found.add("openclaw.gateway.controlUi.allowedOrigins has a page that is served without TLS");
    return found.problems;
  },
});
