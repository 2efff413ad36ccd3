import type { Finding, Rule } from "../finding.ts";
import { launchdWords } from "./launchd.ts";

/** Asked for a session, the gateway says no, or its HTTP surface refuses the token of its own environment file. */
export const sessionRefused: Rule = ({ node }, commands) => {
  const { session, gatewayStatus } = node.gateway;
  const evidence = [
    ...(session.token === "refused" ? ["the gateway refuses the token of its own environment file (HTTP 401)"] : []),
    ...(gatewayStatus?.rpcOk === false && /^(AUTH_|auth|device|DEVICE|PAIRING|NOT_PAIRED)/.test(gatewayStatus.failure)
      ? [`openclaw gateway status: ${gatewayStatus.failure} (${gatewayStatus.error})`]
      : []),
  ];
  return evidence.length === 0
    ? []
    : [
        {
          layer: "gateway session",
          code: "token-refused",
          confidence: "high",
          evidence,
          nextStep: `compare \`gateway.auth\` in openclaw.json with the declared one, then ${commands.restart}`,
        },
      ];
};

/** The operator's own client, where it was looked at. */
export const clientToken: Rule = ({ client, route }) => {
  if (client === null) return [];
  // a paired device has a token of its own; the rules of the way judge it
  const byDevice = route?.client?.deviceToken === "set";
  if (byDevice && (client.state === "missing" || client.state === "empty")) return [];
  const where = `this client (${client.stateDir})`;
  const finding = (code: string, confidence: Finding["confidence"], text: string): Finding => ({
    layer: "gateway session",
    code,
    confidence,
    evidence: [
      text,
      ...(client.shadowed.length === 0 ? [] : [`a value in ${client.shadowed.join(", ")} is hidden by it`]),
    ],
    nextStep: "give this client the gateway's token again; the gateway and the provider keys stay as they are",
  });
  if (client.state === "empty") {
    return [finding("client-token-empty", "high", `${where} has an empty token in ${client.source}`)];
  }
  if (client.answer === "refused") {
    const shown = client.masked === null ? "" : ` ${client.masked}`;
    return [
      finding(
        "client-token-refused",
        "high",
        `the gateway refuses the token${shown} that ${where} has in ${client.source}`,
      ),
    ];
  }
  if (client.state === "missing") return [finding("client-token-missing", "medium", `${where} has no token`)];
  return [];
};

/** Nothing serves, and nothing that the other rules know explains it. */
export const unitDown: Rule = ({ node }, commands) => {
  const { unit, log } = node.gateway;
  if (unit === null) return [];
  const last = (log?.lines ?? []).slice(-3).map((line) => `log: ${line}`);
  const state = `the unit is ${unit.active} (${unit.sub}), ${unit.enabled ? "enabled" : "not enabled"}, ${unit.restarts} automatic restarts`;
  if (unit.active !== "active" || unit.sub !== "running") {
    const looping = unit.active === "failed" || unit.sub === "auto-restart" || unit.restarts > 0;
    return [
      {
        layer: "gateway session",
        code: looping ? "unit-failing" : "unit-stopped",
        confidence: looping ? "medium" : "high",
        evidence: [state, ...launchdWords(unit), ...(looping ? last : [])],
        firstCommand: commands.stopped,
        nextStep: looping
          ? `read the log lines above: ${commands.log}`
          : `start it: ${commands.start}; find out who stopped it`,
      },
    ];
  }
  if (!unit.enabled) {
    return [
      {
        layer: "config or disk",
        code: "unit-disabled",
        confidence: "high",
        evidence: [state],
        firstCommand: commands.startsAtBoot,
        nextStep: `${commands.enable}: it would not start at the next boot`,
      },
    ];
  }
  return [];
};

/** It runs, but does not answer as it should. */
export const notServing: Rule = ({ node }, commands) => {
  const { session, unit, gatewayStatus } = node.gateway;
  if (unit?.active !== "active") return [];
  const evidence = [
    ...(session.healthz === "live" ? [] : [`/healthz on 127.0.0.1 of the node: ${session.healthz}`]),
    ...(session.readyz === "ready" ? [] : [`/readyz on 127.0.0.1 of the node: ${session.readyz}`]),
    ...(gatewayStatus?.rpcOk === false
      ? [`openclaw gateway status: ${gatewayStatus.failure} (${gatewayStatus.error})`]
      : []),
  ];
  return evidence.length === 0
    ? []
    : [
        {
          layer: "gateway session",
          code: "not-serving",
          confidence: "medium",
          evidence: [`the process runs since ${unit.startedAt ?? "?"}`, ...evidence],
          nextStep: `a start takes 10 to 30 s: ask again; then read ${commands.log}`,
        },
      ];
};
