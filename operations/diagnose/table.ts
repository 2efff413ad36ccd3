import type { FailedLayer } from "./finding.ts";
import type { ServiceCommands } from "./service-commands.ts";

/** The verdicts and their exit statuses; 1, 2 and 130 keep the meaning that they have for every command. */
export const VERDICT_STATUS = {
  healthy: 0,
  "gateway session": 10,
  "provider credential": 11,
  "dual identity": 12,
  "tunnel or proxy": 13,
  "config or disk": 14,
  host: 15,
  undecided: 16,
} as const satisfies Readonly<Record<FailedLayer | "healthy" | "undecided", number>>;

export type VerdictName = keyof typeof VERDICT_STATUS;

export const VERDICT_HELP = `Exit status: ${Object.entries(VERDICT_STATUS)
  .map(([verdict, status]) => `${status} ${verdict}`)
  .join(", ")}; 1 the diagnosis itself failed, 2 wrong usage or input, 130 interrupted.`;

interface Row {
  readonly firstCommand: string;
  readonly nextStep: string;
  readonly doNot: readonly string[];
}

const NO_REINSTALL =
  "do not reinstall before `openclaw doctor --lint` has been read: that hides two binaries and drifted files";

/** The runbook's decision table: what is run first for each layer, and what follows where nothing better is known. */
export const decisionTable = (commands: ServiceCommands): Readonly<Record<FailedLayer | "undecided", Row>> => ({
  "gateway session": {
    firstCommand: "openclaw gateway status",
    nextStep: "openclaw doctor --lint; then, if the token is the cause, `gatehouse rotate GATEWAY --token`",
    doNot: ["do not change provider keys: this is the gateway's session", NO_REINSTALL],
  },
  "provider credential": {
    firstCommand: "openclaw models status --check --agent AGENT",
    nextStep: "put the key behind its reference, then `gatehouse rotate GATEWAY --agent AGENT --provider PROVIDER`",
    doNot: [
      "do not rotate the gateway token: sessions work",
      "do not paste a key into a shell or into openclaw.json",
      NO_REINSTALL,
    ],
  },
  "dual identity": {
    firstCommand: commands.identities,
    nextStep: "align PATH and the unit's Environment with the pinned runtime; remove the other installation",
    doNot: ["do not change token or keys: they are judged by the wrong program", NO_REINSTALL],
  },
  "tunnel or proxy": {
    firstCommand: "the same test on 127.0.0.1 of the node: curl http://127.0.0.1:PORT/healthz",
    nextStep:
      "check the way to the node: sshd's forwarding, Tailscale Serve and its HTTPS, the proxy's Upgrade and Host",
    doNot: ["do not change token or keys: the node itself answers", NO_REINSTALL],
  },
  "config or disk": {
    firstCommand: "openclaw config validate",
    nextStep: "apply the gateway again: `pulumi up --replace` with the URN of GATEWAY-gateway",
    doNot: ["do not run `openclaw doctor --fix`: it rewrites the declared configuration", NO_REINSTALL],
  },
  host: {
    firstCommand: commands.status,
    nextStep: "mend the machine first; then ask again",
    doNot: ["do not change token or keys: the machine is the cause", NO_REINSTALL],
  },
  undecided: {
    firstCommand: "openclaw gateway status",
    nextStep: "obtain what is missing below, then ask again",
    doNot: ["do not change token and provider keys at the same time", NO_REINSTALL],
  },
});
