import type { Rule } from "../finding.ts";

/** The node answers itself, and does not answer us. */
export const tunnel: Rule = ({ node, here }) => {
  const { session } = node.gateway;
  if (here === null || session.healthz !== "live") return [];
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
