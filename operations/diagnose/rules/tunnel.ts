import type { Rule } from "../finding.ts";

/** Nobody who checks certificates can talk to it; the vendor's own client on the node pins its file and stays green. */
export const certificate: Rule = ({ here }) => {
  if (here?.certificateRefusal == null) return [];
  const code = here.certificateRefusal;
  const expired = code === "CERT_HAS_EXPIRED";
  return [
    {
      layer: "tunnel or proxy",
      code: expired ? "certificate-expired" : "certificate-refused",
      confidence: "high",
      evidence: [
        `a client that trusts the fleet's certificate authority refuses the gateway's certificate: ${code}`,
        "neither the gateway token nor a provider key was looked at: TLS comes before both",
      ],
      firstCommand: "gatehouse credentials",
      nextStep: expired
        ? "run `pulumi up`: it makes a new certificate and restarts the gateway; change no token and no key for it"
        : "check that it is this gateway's own certificate on the node, then run `pulumi up`",
    },
  ];
};

/** The node answers itself, and does not answer us. */
export const tunnel: Rule = ({ node, here }) => {
  const { session } = node.gateway;
  if (here === null || here.certificateRefusal !== null || session.healthz !== "live") return [];
  const evidence = [
    ...(here.tunnel === "open"
      ? []
      : ["sshd refuses to forward to the gateway's port (AllowTcpForwarding, PermitOpen)"]),
    ...(here.tunnel === "open" && here.healthz !== "ok" ? [`/healthz through the SSH tunnel: ${here.healthz}`] : []),
    ...(here.tunnel === "open" && session.readyz === "ready" && here.readyz !== "ok"
      ? [`/readyz through the SSH tunnel: ${here.readyz}`]
      : []),
    ...(here.tunnel === "open" && here.upgrade !== "ok"
      ? [`WebSocket upgrade through the SSH tunnel: ${here.upgrade}`]
      : []),
  ];
  return evidence.length === 0
    ? []
    : [
        {
          layer: "tunnel or proxy",
          code: here.tunnel === "open" ? "tunnel-answer" : "forwarding-refused",
          confidence: "high",
          evidence: ["127.0.0.1 on the node answers", ...evidence],
        },
      ];
};
