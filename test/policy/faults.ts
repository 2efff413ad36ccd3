import { CANARY, type Stack } from "./stack.ts";

/** A fault of the good fleet that one rule is about. */
export interface Fault {
  readonly plant: (stack: Stack) => void;
  /** Other rules that it cannot help breaking. */
  readonly also?: readonly string[];
}

const [team, builder, phase] = ["team-a", "team-a/builder", "team-a-gateway"];
const REF = ["credentials", 0, "ref"] as const;

const inGateway =
  (path: readonly (string | number)[], value: unknown) =>
  (stack: Stack): void => {
    stack.set("Gateway", team, path, value);
  };
const inUnit =
  (old: string, changed: string) =>
  (stack: Stack): void => {
    stack.edit("Gateway", team, ["unitText"], (unit) => unit.replace(old, changed));
  };

/** By id of the rule. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  GH101: {
    plant: (stack) => {
      for (const agent of ["team-a/research", builder]) stack.set("Agent", agent, REF, "pulumi://shared");
    },
  },
  GH102: {
    plant: (stack) => {
      stack.set("Agent", "team-b/hands", REF, "vault://kv/keys#trial");
      stack.set("Agent", "team-c/runner", REF, "vault://kv/keys#ci");
    },
  },
  GH103: { plant: inGateway(["token", "ref"], "file:///home/jo/token") },
  GH104: {
    plant: (stack) => {
      stack.set("Command", phase, ["create"], `curl -H 'x-api-key: ${CANARY}' http://127.0.0.1/`);
    },
  },
  GH105: {
    plant: (stack) => {
      stack.set("Gateway", "team-c", ["token", "ref"], "pulumi://team-c-vault");
    },
  },
  GH106: { plant: inGateway(["providerFingerprints"], {}) },
  GH107: { plant: inGateway(["token", "rotateEveryDays"], 200) },
  GH108: {
    plant: (stack) => {
      stack.remove("Gateway", team, ["change", "ticket"]);
    },
  },
  GH109: { plant: inGateway(["rollbackPoints"], 1) },
  GH110: {
    plant: (stack) => {
      for (const agent of ["team-a/research", builder, "team-b/hands", "team-c/runner"])
        stack.set("Agent", agent, REF, "pulumi://everybody");
    },
    also: ["GH101", "GH102"],
  },
  GH201: { plant: inGateway(["paths", 0, "mode"], "0755") },
  GH202: { plant: inGateway(["account", "groups"], ["docker"]) },
  GH203: {
    plant: (stack) => {
      stack.set("Agent", builder, ["openclaw", "tools", "exec"], { host: "gateway", mode: "full" });
      stack.set("Agent", builder, ["permissions", "exec"], "host");
      stack.set("Agent", builder, ["trustBoundary"], "gateway");
    },
  },
  GH204: {
    plant: (stack) => {
      stack.remove("Gateway", team, ["openclaw", "auth", "order"]);
    },
  },
  GH205: { plant: inUnit("[Install]", "Environment=ANTHROPIC_API_KEY=sk-short\n[Install]") },
  GH206: { plant: inUnit("NoNewPrivileges=yes", "") },
  GH301: {
    plant: (stack) => {
      stack.set("Runtime", "box-1", ["nodeVersion"], "22.21.0");
    },
  },
  GH302: {
    plant: (stack) => {
      stack.set("Runtime", "box-1", ["openclawVersion"], "2026.1.28");
    },
  },
  GH303: {
    plant: (stack) => {
      stack.remove("Runtime", "box-1", ["lockfileHash"]);
    },
  },
  GH304: { plant: inUnit(":/usr/local/bin:", ":/opt/homebrew/bin:") },
  GH305: { plant: inGateway(["openclaw", "update", "auto", "enabled"], true) },
  GH401: { plant: inGateway(["openclaw", "gateway", "auth", "mode"], "none") },
  GH402: { plant: inGateway(["openclaw", "gateway", "remote"], { url: "ws://gw.example.net:18789" }) },
  GH403: { plant: inGateway(["openclaw", "gateway", "tailscale", "mode"], "funnel") },
  GH404: {
    plant: (stack) => {
      stack.remove("Gateway", team, ["openclaw", "gateway", "auth", "allowTailscale"]);
    },
  },
  GH405: { plant: inGateway(["openclaw", "gateway", "controlUi", "allowedOrigins"], ["*"]) },
  GH501: {
    plant: (stack) => {
      stack.remove("Command", phase, ["connection", "hostKey"]);
    },
  },
  GH502: {
    plant: (stack) => {
      stack.get("Command", phase).secretOutputs = [];
    },
  },
  GH503: {
    plant: (stack) => {
      stack.set("Command", phase, ["environment"], { A: "b" });
    },
  },
  GH504: {
    plant: (stack) => {
      stack.remove("GatewayNode", "box-2", ["connection", "privateKeyRef"]);
    },
  },
  GH601: {
    plant: (stack) => {
      stack.remove("Gateway", team, ["service"]);
    },
  },
  GH602: { plant: inGateway(["openclaw", "logging", "audit", "enabled"], false) },
  GH603: {
    plant: (stack) => {
      stack.set("GatewayNode", "box-1", ["boot"], { fileVault: true });
    },
  },
  GH701: {
    plant: (stack) => {
      stack.set("Agent", builder, ["openclaw", "tools", "elevated", "enabled"], true);
    },
  },
};
